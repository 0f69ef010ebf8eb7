"""A worker at work on the memory broker, with what surrounds it."""

import asyncio
import sys
from contextlib import asynccontextmanager

import pytest

from topology import names
from topology.build import build
from topology.cluster import parse_cluster
from warren.broker.memory import MemoryBroker, MemoryServer
from warren.broker.port import Outgoing, Properties, Verdict
from warren.clock import VirtualClock
from warren.messages.codec import decode, encode
from warren.messages.command import Control
from warren.messages.result import ResultMessage
from warren.messages.task import Task, TaskMessage
from warren.skills.skill import skill_of
from warren.testing.patience import wait_until
from worker.station import station
from worker.worker import Options, Worker

OWNER = "p/0"


class House:
    """Everything around one worker of team `t`."""

    def __init__(self, server, clock, broker):
        self.server = server
        self.clock = clock
        self.broker = broker
        self.draw = 1.0

    @asynccontextmanager
    async def worker(self, *stations, options=None, adapter=MemoryBroker):
        async with adapter(self.server) as broker, asyncio.TaskGroup() as group:
            role = Worker(
                "t",
                stations,
                broker,
                agent="me",
                clock=self.clock,
                draw=lambda: self.draw,
                options=options or Options(),
            )
            role.broker = broker
            self.brokers = [broker]
            running = role.running = group.create_task(role.run())
            await wait_until(lambda: role.waiting_for is None)
            yield role
            running.cancel()

    async def give(self, *tasks, skill="s", priority=4, **properties):
        tasks = [
            Task(id=f"{OWNER}/{n}", input=task) if isinstance(task, dict) else task for n, task in enumerate(tasks)
        ]
        message = TaskMessage(team="t", skill=skill, owner=OWNER, priority=priority, tasks=tasks)
        about = Properties(type=TaskMessage.TYPE, priority=priority, **properties)
        await self.raw(encode(message), skill, about)

    async def raw(self, body, skill="s", properties=None):
        key = names.task_key("t", skill)
        await self.broker.publish([Outgoing(names.TASKS, key, body, properties or Properties())])

    async def cancel(self, subtree, key="team.t"):
        control = Control(verb="cancel", subtree=subtree, reason="enough")
        await self.broker.publish([Outgoing(names.CONTROL, key, encode(control))])

    async def drain(self, key):
        """Nobody may be there who hears it."""
        control = Control(verb="drain", reason="enough")
        await self.broker.publish([Outgoing(names.CONTROL, key, encode(control), mandatory=False)])

    async def deliveries(self, queue, count):
        """The next messages of a queue; they are taken off it."""
        got = []
        async with asyncio.timeout(20), self.broker.subscribe(queue, prefetch=1000) as subscription:
            while len(got) < count:
                batch = await subscription.receive(count - len(got))
                await subscription.settle([(delivery, Verdict.ACK) for delivery in batch])
                got += batch
        return got

    async def results(self, count):
        got = []
        async with asyncio.timeout(20), self.broker.subscribe("warren.lead.t.results", prefetch=1000) as subscription:
            while len(got) < count:
                for delivery in await subscription.receive():
                    if delivery.properties.type == ResultMessage.TYPE:
                        got += decode(ResultMessage, delivery.body).results
                    await subscription.settle([(delivery, Verdict.ACK)])
        assert len(got) == count
        return sorted(got, key=lambda result: (result.id, result.attempt))

    async def outcome(self):
        (result,) = await self.results(1)
        return result.outcome

    async def dead(self, count=1):
        return await self.deliveries("warren.dead.t", count)

    async def left_nothing(self):
        """Whether nothing waits in the work queue and nothing is unsettled: it would come back when consumers go."""
        mailbox = self.server.mailbox("warren.work.t.s")
        return len(mailbox) == 0 and self.unsettled() == 0

    def unsettled(self):
        """How many deliveries of the work queue the worker has not settled."""
        sources = [source for broker in self.brokers for source in broker._sources if source.queue == "warren.work.t.s"]
        return sum(len(source.subscription._unsettled) for source in sources)

    def in_ladder(self):
        """How many messages are on the retry ladder."""
        return sum(len(self.server.mailbox(names.retry_name(level))) for level in range(names.RETRY_LEVELS))

    def consumers(self):
        return self.server.mailbox("warren.work.t.s").consumers

    async def left(self, queue="warren.work.t.s"):
        return (await self.broker.depth(queue)).messages


CLUSTER = "{version: 1, profile: %s, teams: {t: {skills: {s: {}, other: {}}}}}"
SMALL_BYTES = 4_000


def topology(profile="classic"):
    return build(parse_cluster(CLUSTER % profile, "cluster.yaml"))


@asynccontextmanager
async def furnished(profile="classic", **limits):
    clock = VirtualClock()
    async with MemoryServer(clock, **limits) as server, MemoryBroker(server) as broker:
        await broker.declare(topology(profile))
        yield House(server, clock, broker)


@pytest.fixture
async def house():
    async with furnished() as house:
        yield house


@pytest.fixture
async def small_house():
    """Its broker takes much smaller messages than the worker believes."""
    async with furnished(max_message_bytes=SMALL_BYTES) as house:
        yield house


@pytest.fixture(params=["classic", "quorum"])
async def either_house(request):
    """One of each profile."""
    async with furnished(request.param) as house:
        yield house


@pytest.fixture
def serve():
    """The station of a function that is decorated as skill `s`."""

    def serve(function, **options):
        return station("t", skill_of(function), **options)

    return serve


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a module that can be imported, by other processes as well."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        return name

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]
