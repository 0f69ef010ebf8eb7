"""One live connection, from when it is made until it is lost."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from aio_pika.abc import ConnectionParameter
from aio_pika.connection import Connection
from aiormq.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelAccessRefused,
    ChannelClosed,
    ChannelInvalidStateError,
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    ConnectionClosed,
    ProbableAuthenticationError,
)
from yarl import URL

from warren.broker.rabbit.inflow import Inflow
from warren.broker.rabbit.transport import FrameTap, Sink, TappedTransport

RPC_TIMEOUT_S: Final = 10.0
CLOSE_TIMEOUT_S: Final = 3.0
DEFAULT_FRAME_MAX: Final = 131_072
BROKERS_OWN_REASONS: Final = ("CONNECTION_FORCED", "INVALID_PATH", "ACCESS_REFUSED")
"""It shuts down, an operator closes the connection, the virtual host is gone."""


class LineLost(Exception):
    """The connection broke or could not be made; the text says why. Trying again may help."""


class LoginRefused(LineLost):
    """The broker answers but does not let this user in, or has no such vhost."""


class ChannelRefused(Exception):
    """The broker closed a channel because of what was asked of it; the text is the broker's."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class _Connection(Connection):
    """aio-pika's connection, which passes a transport on to aiormq."""

    PARAMETERS = (
        *Connection.PARAMETERS,
        ConnectionParameter(name="transport_factory", parser=lambda factory: factory, is_kwarg=True),
    )


class Line:
    """A connection to the broker, its channels, and a way past aiormq's queues for whole batches of frames."""

    def __init__(self, url: URL, name: str) -> None:
        self._transport = TappedTransport()
        query = {"name": name} | ({} if "heartbeat" in url.query else {"heartbeat": "15"})
        self._connection = _Connection(url.update_query(query), transport_factory=self._transport)

    @property
    def is_open(self) -> bool:
        transport = self._connection.transport
        return transport is not None and transport.connection.is_opened

    @property
    def blocked(self) -> str | None:
        """Why the broker takes no publishes at present."""
        return self._tap.blocked

    @property
    def inflow(self) -> Inflow:
        """The account of what came over it and is unread."""
        return self._tap.inflow

    @property
    def frame_max(self) -> int:
        """Bytes of payload that one frame may carry."""
        return (self._amqp.connection_tune.frame_max or DEFAULT_FRAME_MAX) - 8

    @property
    def server_version(self) -> str:
        return str(self._amqp.server_properties["version"])

    @property
    def hung_up_on(self) -> str | None:
        """Why the broker closed the connection, if it was because of what came over it."""
        said = self._transport.tap.closed if self._transport.tap is not None else None
        return None if said is None or said.startswith(BROKERS_OWN_REASONS) else said

    async def connect(self, timeout_s: float) -> None:
        """Raises LineLost."""
        try:
            with translated():
                await self._connection.connect(timeout=timeout_s)
        except LineLost as error:
            await self.close()
            raise self._explained(error) from error
        except BaseException:
            await self.close()
            raise

    async def open_channel(self, sink: Sink | None = None, *, confirms: bool = False) -> AbstractChannel:
        """A channel whose messages go to `sink`. Raises LineLost."""
        with translated():
            channel = await self._amqp.channel(publisher_confirms=confirms, timeout=RPC_TIMEOUT_S)
        if sink is not None:
            self._watch(channel, sink)
        return channel

    def write(self, data: bytes) -> None:
        """Send whole frames, past aiormq's queue; on a lost connection they go nowhere."""
        if self._transport.writer is not None and not self._transport.writer.is_closing():
            self._transport.writer.write(data)

    async def drain(self) -> None:
        """Wait while the broker takes no publishes, or does not keep up with what is written. Raises LineLost."""
        if self._transport.writer is not None:
            await self._tap.unblocked.wait()
            with translated():
                await self._transport.writer.drain()

    async def close(self) -> None:
        """Say goodbye, or hang up if the broker does not answer."""
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._connection.close()
        self._transport.abort()
        for _ in range(3):  # the turns that the last task of aiormq takes, which nobody can await
            await asyncio.sleep(0)

    def _explained(self, error: LineLost) -> LineLost:
        """The error in the broker's words, if it said something before it hung up."""
        said = self._transport.tap.closed if self._transport.tap is not None else None
        if said is None or isinstance(error, LoginRefused):
            return error
        return LoginRefused(said) if said.startswith("NOT_ALLOWED") else LineLost(said)

    @property
    def _amqp(self) -> AbstractConnection:
        if self._connection.transport is None:
            raise LineLost("the connection is closed")
        return self._connection.transport.connection

    @property
    def _tap(self) -> FrameTap:
        assert self._transport.tap is not None
        return self._transport.tap

    def _watch(self, channel: AbstractChannel, sink: Sink) -> None:
        self._tap.sinks[channel.number] = sink

        def lost(closing: asyncio.Future[object]) -> None:
            if self._tap.sinks.get(channel.number) is sink:
                del self._tap.sinks[channel.number]
            self._tap.wake()
            sink.lose(_translate(None if closing.cancelled() else closing.exception()))

        channel.closing.add_done_callback(lost)


async def close_channel(channel: AbstractChannel) -> None:
    """Close a channel whatever state it is in; the broker takes back what was not settled on it."""
    with suppress(Exception):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            with translated():
                await channel.close()


@contextmanager
def translated() -> Iterator[None]:
    """Turn what aiormq raises into LineLost or ChannelRefused.

    aiormq ends calls on a lost connection with CancelledError. Only where somebody asked this task to stop is it
    passed on as one.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise LineLost("connection lost") from error
    except (AMQPError, ChannelInvalidStateError, OSError, RuntimeError, StopAsyncIteration) as error:
        raise _translate(error) from error  # the last is how aiormq finds the other side's hanging up at once


def _translate(error: BaseException | None) -> Exception:
    match error:
        case ChannelClosed():
            return _channel_words(error)
        case AuthenticationError() | ProbableAuthenticationError():
            return LoginRefused("login refused: check the user and the password")
        case _:
            return LineLost(_line_words(error))


def _line_words(error: BaseException | None) -> str:
    match error:
        case ConnectionClosed():
            return _text(error)
        case TimeoutError():
            return "no answer in time"
        case OSError():
            return _system_words(error)
        case AMQPError():
            return _text(error) or type(error).__name__
        case _:
            return "connection lost"


def _channel_words(error: ChannelClosed) -> Exception:
    """Without a text it was us who closed the channel."""
    text = " ".join(str(part) for part in error.args if isinstance(part, str))
    return ChannelRefused(_CODES.get(type(error), 0), text) if text else LineLost("channel closed")


def _text(error: BaseException) -> str:
    return " ".join(str(part) for part in error.args if isinstance(part, str))


def _system_words(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno and error.errno > 0 else error.strerror or _text(error)


_CODES: Final[dict[type, int]] = {
    ChannelAccessRefused: 403,
    ChannelNotFoundEntity: 404,
    ChannelLockedResource: 405,
    ChannelPreconditionFailed: 406,
}
