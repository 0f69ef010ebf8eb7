"""A process tells when it comes and goes, and nobody has to wait for that."""

import asyncio
import json

import pytest

from topology import names
from topology.build import build
from topology.cluster import parse_cluster
from warren.broker.memory import MemoryBroker, MemoryServer
from warren.clock import SystemClock, VirtualClock
from warren.errors import BrokerUnavailable
from warren.runtime.announced import Announced
from warren.runtime.identity import Identity
from warren.runtime.service import host

CLUSTER = parse_cluster("version: 1\nteams: {scouts: {skills: {work: {}}}}\n", "-")
WHO = Identity("host-1-ab", "worker", "scouts")
START = 1_800_000_000.0


class Sleeper:
    """Sleeps until it is drained."""

    def __init__(self, error=None):
        self.error = error
        self.drained = asyncio.Event()

    async def run(self):
        if self.error:
            raise self.error
        await self.drained.wait()

    async def drain(self, grace_s):
        del grace_s
        self.drained.set()


class Slow:
    """Takes long to drain."""

    def __init__(self):
        self.begun = asyncio.Event()

    async def run(self):
        await asyncio.Event().wait()

    async def drain(self, grace_s):
        del grace_s
        self.begun.set()
        await asyncio.Event().wait()


class DeafBroker:
    def __init__(self, error=None):
        self.error = error

    async def publish(self, batch):
        del batch
        if self.error:
            raise self.error
        await asyncio.Event().wait()


@pytest.fixture
async def broker():
    async with MemoryServer(SystemClock()) as server, MemoryBroker(server) as broker:
        await broker.declare(build(CLUSTER))
        yield broker


async def events(inbox, count):
    found = []
    while len(found) < count:
        found += await inbox.receive()
    return [(delivery.routing_key, json.loads(delivery.body)) for delivery in found]


async def test_it_tells_that_it_starts_drains_and_stops(broker):
    async with asyncio.timeout(10), broker.inbox([(names.EVENTS, "agent.*.*")]) as inbox:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(host(Announced(Sleeper(), WHO, broker, VirtualClock(START)), stop, 1.0))
            [(key, event)] = await events(inbox, 1)
            assert key == "agent.started.worker"
            stop.set()
        told = await events(inbox, 2)
    assert [key for key, _ in told] == ["agent.draining.worker", "agent.stopped.worker"]
    assert event["data"] == {"agent": "host-1-ab", "role": "worker", "status": "started", "team": "scouts"}
    assert (event["type"], event["source"], event["subject"]) == (
        "warren.agent.started",
        "/warren/agents/host-1-ab",
        "host-1-ab",
    )
    assert event["time"] == "2027-01-15T08:00:00Z"


async def test_one_that_fails_has_stopped_too(broker):
    async with asyncio.timeout(10), broker.inbox([(names.EVENTS, "agent.*.*")]) as inbox:
        with pytest.raises(ZeroDivisionError):
            await Announced(Sleeper(ZeroDivisionError()), WHO, broker, VirtualClock(START)).run()
        assert [key for key, _ in await events(inbox, 2)] == ["agent.started.worker", "agent.stopped.worker"]


async def test_a_broker_that_does_not_take_it_keeps_nobody_from_working():
    service = Sleeper()
    service.drained.set()
    async with asyncio.timeout(10):
        await Announced(service, WHO, DeafBroker(BrokerUnavailable("gone")), VirtualClock(START)).run()


async def test_a_broker_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("warren.runtime.announced.SAYING_S", 0.01)
    service = Sleeper()
    service.drained.set()
    async with asyncio.timeout(10):
        await Announced(service, WHO, DeafBroker(), VirtualClock(START)).run()


async def test_a_service_begins_to_drain_at_once_whether_the_broker_answers_or_not():
    """Else the end of a drain that takes all its time would come too late, and be taken for a failure."""
    service = Slow()
    announced = Announced(service, WHO, DeafBroker(), VirtualClock(START))
    async with asyncio.TaskGroup() as group:
        draining = group.create_task(announced.drain(0.0))
        for _ in range(5):
            await asyncio.sleep(0)
        assert service.begun.is_set()
        draining.cancel()
