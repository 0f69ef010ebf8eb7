"""One suite for every adapter: what `house` stands for decides which broker a test talks to.

Tests see adapters only through the port. What the port does not have (time passing, a cable being cut) the house
provides: at once on the memory broker's virtual clock, for real on RabbitMQ.
"""

import asyncio
import os
import socket
from contextlib import asynccontextmanager, suppress
from urllib.parse import unquote, urlsplit

import pytest

from warren.broker.memory import MemoryBroker, MemoryServer
from warren.clock import VirtualClock

PATIENCE_S = 30
"""How long a test waits for what has to come: reconnects take a while."""


class MemoryHouse:
    """Brokers on one memory server, and its virtual clock."""

    user = "guest"

    def __init__(self, server, clock):
        self._server = server
        self._clock = clock

    def connect(self):
        return MemoryBroker(self._server)

    async def cut(self, broker):
        broker.sever()
        await self._let_all_run()
        broker.restore()

    async def pass_(self, ms):
        self._clock.advance(ms / 1000)
        await self._let_all_run()

    @staticmethod
    async def _let_all_run():
        for _ in range(20):
            await asyncio.sleep(0)


class RabbitHouse:
    """Brokers on one fresh vhost of a real RabbitMQ, each behind a proxy that can be cut."""

    def __init__(self, url):
        self._url = urlsplit(url)
        self._proxies = {}
        self.user = unquote(self._url.username or "guest")

    @asynccontextmanager
    async def connect(self):
        from warren.broker.rabbit import RabbitBroker

        async with Proxy(self._url.hostname, self._url.port or 5672) as proxy:
            credentials, _, _ = self._url.netloc.rpartition("@")
            url = self._url._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}").geturl()
            async with RabbitBroker(url) as broker:
                self._proxies[id(broker)] = proxy
                yield broker

    async def cut(self, broker):
        self._proxies[id(broker)].cut()

    async def pass_(self, ms):
        await asyncio.sleep(ms / 1000)


class Proxy:
    """A TCP proxy on the loopback interface whose connections can all be cut at once."""

    def __init__(self, host, port):
        self._target = (host, port)
        self._writers = set()

    @property
    def port(self):
        return self._server.sockets[0].getsockname()[1]

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, family=socket.AF_INET)
        return self

    async def __aexit__(self, *exception):
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self):
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            self._writers |= {writer, far_writer}
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer))
                group.create_task(self._pump(far_reader, writer))
            self._writers -= {writer, far_writer}

    @staticmethod
    async def _pump(reader, writer):
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()


class Time:
    """Waiting, as far as the house's clock is concerned."""

    def __init__(self, house):
        self._house = house

    async def pass_(self, ms):
        """Let `ms` go by."""
        await self._house.pass_(ms)

    async def until(self, condition):
        """Let time go by until the async `condition` holds; a TimeoutError if it never does."""
        async with asyncio.timeout(PATIENCE_S):
            while not await condition():
                await self._house.pass_(20)


def pytest_generate_tests(metafunc):
    """Run every test on the memory broker, and once for each RabbitMQ that the environment names."""
    if "adapter" in metafunc.fixturenames:
        urls = [url for url in os.environ.get("WARREN_TEST_AMQP_URLS", "").split(",") if url.strip()]
        count = max(1, len(urls))
        names = [f"rabbit{number}" for number in range(count)] if count > 1 else ["rabbit"]
        rabbits = [pytest.param(n, marks=pytest.mark.broker, id=name) for n, name in enumerate(names)]
        metafunc.parametrize("adapter", [pytest.param(None, id="memory"), *rabbits], scope="session")


@pytest.fixture(scope="session")
def amqp_url(adapter, amqp_urls):
    """The RabbitMQ that this run of the test is for; never asked for by the memory broker's."""
    return amqp_urls[adapter]


@pytest.fixture
def rabbit_url(request, adapter):
    """A fresh vhost, or None for the memory broker."""
    if adapter is None:
        return None
    url = request.getfixturevalue("amqp_vhost_url")
    if url == request.getfixturevalue("amqp_url"):
        reason = "no fresh vhost can be had: name the broker's management API in WARREN_TEST_MANAGEMENT_URLS"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return url


@pytest.fixture
async def house(rabbit_url):
    if rabbit_url is not None:
        yield RabbitHouse(rabbit_url)
        return
    clock = VirtualClock()
    async with MemoryServer(clock) as server:
        yield MemoryHouse(server, clock)


@pytest.fixture
def broker_factory(house):
    """Each call is the async context of one more connection to the same broker."""
    return house.connect


@pytest.fixture
def time(house):
    return Time(house)


@pytest.fixture
def cut(house):
    """Break a broker's connection to the server; it comes back by itself."""
    return house.cut


@pytest.fixture
def user(house):
    """Whom the connections are logged in as."""
    return house.user


@pytest.fixture
def take():
    """Receive exactly so many deliveries, or fail."""

    async def take(subscription, count):
        deliveries = []
        async with asyncio.timeout(PATIENCE_S):
            while len(deliveries) < count:
                more = await subscription.receive(count - len(deliveries))
                assert more, f"the subscription ended after {len(deliveries)} of {count} deliveries"
                deliveries += more
        return deliveries

    return take


@pytest.fixture
def comes_to_hold(time):
    """Wait until so many messages are ready in a queue."""

    async def comes_to_hold(broker, queue, count):
        async def holds():
            return (await broker.depth(queue)).messages == count

        await time.until(holds)

    return comes_to_hold
