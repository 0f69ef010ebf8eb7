"""The socket under an aiormq connection, with a tap: messages and confirms are taken out before aiormq sees them.

aiormq spends a task, three reads and a queue on every frame. The tap reads whatever the socket gave in one go and
hands the frames of messages to the sink of their channel; what no sink takes goes on to aiormq.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, Final, Protocol, SupportsIndex

from aiormq.connection import SSLContextProvider, TransportFactory
from aiormq.exceptions import AMQPConnectionError
from yarl import URL

from warren.broker.rabbit import wire
from warren.broker.rabbit.inflow import Inflow

SIGN_OF_LIFE_S: Final = 1.0


class Sink(Protocol):
    """What takes the frames of messages of one channel."""

    def take(self, kind: int, payload: bytes) -> bool:
        """Use a frame, or say False if it is for aiormq."""

    def lose(self, reason: Exception) -> None:
        """The channel is gone."""


class FrameTap(asyncio.StreamReader):
    """A stream from which the frames of messages are taken out."""

    def __init__(self) -> None:
        super().__init__()
        self.sinks: dict[int, Sink] = {}
        self.blocked: str | None = None
        """Why the broker takes no publishes at present."""
        self.unblocked = asyncio.Event()
        """Set while it takes them, and for good once the connection is lost."""
        self.unblocked.set()
        self.inflow = Inflow(self)
        self.closed: str | None = None
        """Why the broker closed the connection."""
        self._rest = b""
        self._sign_of_life_at = 0.0
        self._next_sign: asyncio.TimerHandle | None = None

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Called by the event loop with whatever the socket had."""
        buffer = self._rest + bytes(data)
        end = len(buffer)
        at = 0
        taken = 0
        passed: list[bytes] = []
        while end - at >= wire.FRAME_OVERHEAD:
            kind, channel, size = wire.FRAME_START.unpack_from(buffer, at)
            after = at + size + wire.FRAME_OVERHEAD
            if after > end:
                break
            if self._take(kind, channel, buffer[at + wire.FRAME_START.size : after - 1]):
                taken += 1
            else:
                passed.append(buffer[at:after])
            at = after
        self._rest = buffer[at:]
        if taken and not passed:
            passed = self._sign_of_life()
        if passed:
            super().feed_data(b"".join(passed))

    def wake(self) -> None:
        """End the wait of those whose channel is gone; whoever comes later waits on."""
        self.unblocked.set()
        if self.blocked is not None:
            self.unblocked.clear()

    def shut(self) -> None:
        """Read no more of the socket; aiormq, which counts heartbeats, is told that all is well."""
        transport = self._transport  # type: ignore[attr-defined] # of StreamReader, which has no word for it
        if transport is not None and self._next_sign is None and not self.at_eof():
            transport.pause_reading()
            self._next_sign = asyncio.get_running_loop().call_later(SIGN_OF_LIFE_S, self._still_shut)

    def open(self) -> None:
        """Read on."""
        if self._next_sign is not None:
            self._next_sign.cancel()
            self._next_sign = None
            self._transport.resume_reading()  # type: ignore[attr-defined]

    def feed_eof(self) -> None:
        self.unblocked.set()
        self.open()
        if self._rest:
            super().feed_data(self._rest)
            self._rest = b""
        super().feed_eof()

    def _take(self, kind: int, channel: int, payload: bytes) -> bool:
        sink = self.sinks.get(channel)
        if sink is not None:
            return sink.take(kind, payload)
        if channel == 0 and kind == wire.METHOD:
            self._watch(payload)
        return False

    def _watch(self, payload: bytes) -> None:
        method = wire.METHOD_ID.unpack_from(payload)
        if method == wire.BLOCKED:
            self.blocked = wire.read_blocked(payload)
            self.unblocked.clear()
        elif method == wire.UNBLOCKED:
            self.blocked = None
            self.unblocked.set()
        elif method == wire.CONNECTION_CLOSE:
            self.closed = wire.read_close(payload)

    def _still_shut(self) -> None:
        super().feed_data(wire.HEARTBEAT)
        self._next_sign = asyncio.get_running_loop().call_later(SIGN_OF_LIFE_S, self._still_shut)

    def _sign_of_life(self) -> list[bytes]:
        """The broker sends no heartbeats while it sends messages, so aiormq gets one from us: it counts them."""
        now = asyncio.get_running_loop().time()
        if now - self._sign_of_life_at < SIGN_OF_LIFE_S:
            return []
        self._sign_of_life_at = now
        return [wire.HEARTBEAT]


class TappedTransport(TransportFactory):
    """Connects one aiormq connection, and keeps the tap and the writer of its socket."""

    def __init__(self) -> None:
        self.tap: FrameTap | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Called by aiormq when it connects."""
        context = await self._context(url, kwargs.pop("ssl_context_provider"))
        loop = asyncio.get_running_loop()
        self.tap = FrameTap()
        protocol = asyncio.StreamReaderProtocol(self.tap)
        try:
            transport, _ = await loop.create_connection(
                lambda: protocol, url.host or "", url.port or 0, ssl=context, **kwargs
            )
        except ssl.SSLError as error:
            raise AMQPConnectionError(f"TLS failed: {error}") from error
        except OSError as error:
            raise AMQPConnectionError(*error.args) from error
        self.writer = asyncio.StreamWriter(transport, protocol, self.tap, loop)
        return self.tap, self.writer

    @staticmethod
    async def _context(url: URL, contexts: SSLContextProvider) -> ssl.SSLContext | None:
        if url.scheme != "amqps":
            return None
        try:
            return await contexts.get_context()
        except OSError as error:
            raise AMQPConnectionError(f"the TLS files that the URL names cannot be used: {error}") from error

    def abort(self) -> None:
        """Drop the socket without a word."""
        if self.writer is not None:
            self.writer.transport.abort()
