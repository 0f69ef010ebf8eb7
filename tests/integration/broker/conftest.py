"""A cable that can be cut, and a node that can be killed."""

import asyncio
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest

from warren.broker.rabbit import PrivateNode, RabbitBroker
from warren.broker.rabbit.node import find_server
from warren.errors import BrokerUnavailable


class Cable:
    """A TCP proxy before a broker: `cut` ends its connections, an unplugged one takes no new ones."""

    def __init__(self, amqp_url):
        self._target = urlsplit(amqp_url)
        self._writers = set()
        self._tasks = set()
        self._server = None
        self.is_plugged_in = True
        self.cut_after_bytes = None

    @property
    def url(self):
        port = self._server.sockets[0].getsockname()[1]
        return self._target._replace(netloc=f"{self._target.netloc.rpartition('@')[0]}@127.0.0.1:{port}").geturl()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exception):
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self):
        for writer in list(self._writers):
            writer.transport.abort()

    def unplug(self):
        self.is_plugged_in = False
        self.cut()

    def plug_in(self):
        self.is_plugged_in = True

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        if not self.is_plugged_in:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer, counted=True), self._pump(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _pump(self, reader, writer, *, counted=False):
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                if counted:
                    self._count(len(data))
        writer.transport.abort()

    def _count(self, size):
        if self.cut_after_bytes is not None:
            self.cut_after_bytes -= size
            if self.cut_after_bytes <= 0:
                self.cut_after_bytes = None
                self.cut()


def left_behind():
    """Tasks of the adapter, or of aiormq below it, that still run."""
    return [task for task in asyncio.all_tasks() if "aiormq" in repr(task) or "/warren/" in repr(task)]


@pytest.fixture
async def cable(amqp_vhost_url):
    async with Cable(amqp_vhost_url) as cable:
        yield cable
    assert left_behind() == []


@pytest.fixture
async def broker(amqp_vhost_url):
    """A broker straight, and a look whether it leaves anything running."""
    async with RabbitBroker(amqp_vhost_url) as broker:
        yield broker
    assert left_behind() == []


@pytest.fixture
def server():
    """Skips where no rabbitmq-server is installed."""
    try:
        return find_server()
    except BrokerUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def private_node(server, tmp_path):
    """Starts a throwaway node."""

    @asynccontextmanager
    async def start():
        async with PrivateNode(tmp_path / "node", fast=True) as node:
            yield node

    return start
