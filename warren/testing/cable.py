"""A cable between a process and a server, which can be cut, unplugged, slowed down, or hang without being cut."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536


class Cable:
    """A TCP proxy before the server that a URL names.

        async with Cable("amqp://guest:guest@127.0.0.1:5672/") as cable:
            connect(cable.url)
            cable.cut()

    `cut` ends its connections; unplugged it takes no new ones either. `stall` lets nothing through and ends nothing,
    as when the other side has lost its power; what was sent meanwhile arrives after `resume`. `delay_s` is how long
    each piece takes in either direction. `cut_after_bytes` cuts once so many more bytes went to the server.
    """

    def __init__(self, url: str, *, delay_s: float = 0.0) -> None:
        self._target = urlsplit(url)
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._flows.set()
        self.is_plugged_in = True
        self.cut_after_bytes: int | None = None
        self.delay_s = delay_s

    @property
    def url(self) -> str:
        """The server's, with the cable's address."""
        assert self._server is not None, "the cable's context has not been entered"
        port = self._server.sockets[0].getsockname()[1]
        login = self._target.netloc.rpartition("@")[0]
        return self._target._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self._flows.set()
        self.cut()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def cut(self) -> None:
        """End all connections; the next ones work."""
        for writer in list(self._writers):
            writer.transport.abort()

    def unplug(self) -> None:
        """End all connections, and take no new ones."""
        self.is_plugged_in = False
        self.cut()

    def plug_in(self) -> None:
        self.is_plugged_in = True

    def lead_to(self, url: str) -> None:
        """Another server of the same login takes the next connections, as behind a load balancer."""
        self._target = urlsplit(url)

    def stall(self) -> None:
        """Let nothing through, and tell nobody."""
        self._flows.clear()

    def resume(self) -> None:
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        task.add_done_callback(self._pumps.discard)
        far = await self._reached() if self.is_plugged_in else None
        if far is None:
            writer.transport.abort()
            return
        far_reader, far_writer = far
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer, counted=True), self._pump(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _reached(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to the server, if it takes one."""
        try:
            return await asyncio.open_connection(self._target.hostname, self._target.port)
        except OSError:
            return None

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool = False) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._flows.wait()
                writer.write(data)
                if counted:
                    self._count(len(data))
        writer.transport.abort()

    def _count(self, size: int) -> None:
        if self.cut_after_bytes is not None:
            self.cut_after_bytes -= size
            if self.cut_after_bytes <= 0:
                self.cut_after_bytes = None
                self.cut()
