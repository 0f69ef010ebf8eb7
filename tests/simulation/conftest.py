"""A whole cluster in one process on virtual time, whose coordinators can be killed between any two of their steps."""

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from director.director import Director
from teamlead.teamlead import TeamLead
from topology import names
from topology.build import build
from topology.cluster import parse_cluster
from warren.broker.memory import MemoryBroker, MemoryServer
from warren.broker.port import Outgoing, Properties, Verdict
from warren.clock import VirtualClock
from warren.errors import PublishFailed
from warren.ledger.ledger import open_ledger
from warren.ledger.schema import events, tasks
from warren.messages.codec import decode, encode
from warren.messages.outcome import Succeeded
from warren.messages.reply import Reply
from warren.messages.result import Result, ResultMessage
from warren.messages.task import TaskMessage
from warren.patterns.playbook import Playbooks, parse_playbook

CLUSTER = """
version: 1
teams:
  scouts:
    skills:
      work: {}
      bundled: {bundle: 2}
  analysts:
    skills:
      join: {}
"""
CALL = {"kind": "call", "skill": "work", "input": {"n": "item"}}
NESTED = {
    "kind": "delegate",
    "team": "analysts",
    "input": {"n": "input.n"},
    "plan": {"kind": "call", "skill": "join", "input": {"n": "input.n"}},
}
TALL = {
    "kind": "sequence",
    "steps": {
        "fan": {
            "kind": "delegate",
            "team": "scouts",
            "plan": {"kind": "map", "items": "input.items", "do": CALL, "window": 2, "reduce": "sum"},
        },
        "both": {
            "kind": "parallel",
            "branches": {
                "deep": {"kind": "delegate", "team": "scouts", "input": {"n": "results.fan.n"}, "plan": NESTED},
                "flat": {
                    "kind": "delegate",
                    "team": "analysts",
                    "input": {"n": "input.more"},
                    "plan": {"kind": "call", "skill": "join", "input": {"n": "input.n"}},
                },
            },
        },
    },
    "output": {"sum": "results.fan.n", "deep": "results.both.deep.n", "flat": "results.both.flat.n"},
}
TALL_INPUT = {"items": [1, 2, 3], "more": 10}
TALL_OUTPUT = {"sum": 12, "deep": 24, "flat": 20}

OUTAGE_S = 60.0
QUIET_ROUNDS = 12


class Crash(BaseException):
    """The process is gone: nothing but its supervisor may catch this."""


@dataclass
class Fuse:
    """Counts the steps of all coordinators, and blows at those that it is told."""

    at: frozenset = frozenset()
    passed: int = 0
    blown: int = 0
    trail: list = field(default_factory=list)

    def step(self, name):
        self.passed += 1
        self.trail.append(name)
        if self.passed in self.at:
            self.blown += 1
            raise Crash(name)


class FragileLedger:
    """Dies before a transaction, inside it before the commit, or after it."""

    def __init__(self, ledger, fuse):
        self._ledger = ledger
        self._fuse = fuse

    async def transact(self, work):
        self._fuse.step("before the transaction")

        def fragile(transaction):
            value = work(transaction)
            transaction.flush()
            self._fuse.step("before the commit")
            return value

        value = await self._ledger.transact(fragile)
        self._fuse.step("after the commit")
        return value

    async def read(self, work):
        return await self._ledger.read(work)


def whole(untaken):
    """What the broker says of the parts of a batch, as if they had been one."""

    def positions(which):
        return [offset + position for error, offset in untaken for position in getattr(error, which)]

    lists = {which: positions(which) for which in ("unroutable", "refused", "unconfirmed")}
    impossible = {offset + position: why for error, offset in untaken for position, why in error.impossible.items()}
    return PublishFailed(str(untaken[0][0]), **lists, impossible=impossible)


class FragileBroker:
    """Dies before a publish, with a part of the batch out, before the confirm, or around the acks."""

    def __init__(self, broker, fuse):
        self._broker = broker
        self._fuse = fuse

    def __getattr__(self, name):
        return getattr(self._broker, name)

    async def publish(self, batch):
        self._fuse.step("before the publish")
        half, untaken = len(batch) // 2, []
        if half:
            untaken += await self._publish(batch[:half], 0)
            self._fuse.step("within the publish")
        untaken += await self._publish(batch[half:], half)
        self._fuse.step("before the confirm")
        if untaken:
            raise whole(untaken)

    async def _publish(self, part, offset):
        """What was not taken of a part of the batch, as (what the broker says, where the part begins)."""
        try:
            await self._broker.publish(part)
        except PublishFailed as error:
            return [(error, offset)]
        return []

    @asynccontextmanager
    async def subscribe(self, queue, *, prefetch, apart=False):
        async with self._broker.subscribe(queue, prefetch=prefetch, apart=apart) as subscription:
            yield FragileSubscription(subscription, self._fuse)


class FragileSubscription:
    def __init__(self, subscription, fuse):
        self._subscription = subscription
        self._fuse = fuse

    async def receive(self, limit=256):
        batch = await self._subscription.receive(limit)
        self._fuse.step("after receiving")
        return batch

    async def settle(self, verdicts):
        verdicts = list(verdicts)
        self._fuse.step("before the acks")
        half = len(verdicts) // 2
        if half:
            await self._subscription.settle(verdicts[:half])
            self._fuse.step("within the acks")
        await self._subscription.settle(verdicts[half:])
        self._fuse.step("after the acks")

    async def cancel(self):
        await self._subscription.cancel()


@dataclass
class World:
    """The cluster, its client, and what came out."""

    clock: VirtualClock
    server: MemoryServer
    ledger: object
    fuse: Fuse
    random: Random
    cluster: object
    playbooks: Playbooks
    replies: list = field(default_factory=list)
    outcome_of: object = None
    brokers: list = field(default_factory=list)
    silent: bool = False

    def director(self, broker):
        ledger = FragileLedger(self.ledger, self.fuse)
        return Director(broker, ledger, self.clock, self.cluster, self.playbooks, self.random.randbytes)

    def lead(self, team):
        def make(broker):
            return TeamLead(broker, FragileLedger(self.ledger, self.fuse), self.clock, self.cluster, team)

        return make

    async def keep_alive(self, make):
        """A supervisor: whenever the process dies, its connection is cut and a new one is started."""
        while True:
            async with MemoryBroker(self.server) as broker:
                self.brokers.append(broker)
                try:
                    await make(FragileBroker(broker, self.fuse)).run()
                except* Crash:
                    broker.sever()
                self.brokers.remove(broker)

    async def work(self, team, skill):
        """A worker that bundles nothing and never dies; it doubles `n`."""
        async with (
            MemoryBroker(self.server) as broker,
            broker.subscribe(names.work_queue(team, skill), prefetch=10) as subscription,
        ):
            while True:
                for delivery in await subscription.receive():
                    if self.silent:
                        continue
                    message = decode(TaskMessage, delivery.body)
                    results = [self._done(task, message.owner) for task in message.tasks]
                    body = encode(ResultMessage(results=results))
                    await broker.publish([Outgoing(names.RESULTS, names.result_key(team), body, OF_RESULTS)])
                    await subscription.settle([(delivery, Verdict.ACK)])

    def _done(self, task, owner):
        now = self.clock.now()
        outcome = self.outcome_of(task) if self.outcome_of else Succeeded(output={"n": 2 * task.input["n"]})
        return Result(id=task.id, owner=owner, attempt=task.attempt, outcome=outcome, started_s=now, ended_s=now)

    async def listen(self, ready):
        async with MemoryBroker(self.server) as broker, broker.inbox([(names.REPLIES, "reply.me")]) as inbox:
            ready.set()
            while True:
                for delivery in await inbox.receive():
                    self.replies.append(decode(Reply, delivery.body))
                    await inbox.settle([(delivery, Verdict.ACK)])

    async def submit(self, body, key="project.tall", **properties):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        address = Properties(**{"reply_to": "reply.me", **properties})
        async with MemoryBroker(self.server) as broker:
            await broker.publish([Outgoing(names.INGRESS, key, text, address)])

    async def command(self, body):
        await self.submit(body, key=f"command.{body['verb']}")

    async def query(self, body):
        await self.submit(body, key=f"query.{body['noun']}")

    async def quiet(self):
        """Until nobody has done anything for a while of no time."""
        still, seen = 0, None
        while still < QUIET_ROUNDS:
            await asyncio.sleep(0)
            now = (self.fuse.passed, len(self.replies))
            still, seen = (still + 1, seen) if now == seen else (0, now)

    async def pass_time(self, seconds):
        until = self.clock.now() + seconds
        await self.quiet()
        while (due := self.clock.next_wake()) is not None and due <= until:
            self.clock.advance_to(due)
            await self.quiet()
        self.clock.advance_to(until)
        await self.quiet()

    async def until(self, condition, within_s=OUTAGE_S):
        """Lets virtual time pass until the condition holds."""
        end = self.clock.now() + within_s
        await self.quiet()
        while not condition():
            assert self.clock.now() < end, f"not within {within_s} s of virtual time; {self.replies}"
            await self.pass_time(0.5)

    def finished(self):
        return [reply.answer for reply in self.replies if reply.answer.kind == "finished"]

    async def blink(self):
        """Every coordinator's connection is lost and comes back."""
        for broker in self.brokers:
            broker.sever()
        await asyncio.sleep(0)
        for broker in self.brokers:
            broker.restore()

    async def bury(self, delivery, reason):
        """Publish a delivery as the broker would dead-letter it."""
        headers = {"x-death": [{"reason": reason, "queue": delivery.queue, "count": 1}]}
        properties = replace(delivery.properties, headers=headers, message_id=None)
        async with MemoryBroker(self.server) as broker:
            key = names.queue_token(delivery.queue)
            await broker.publish([Outgoing(names.DEAD, key, delivery.body, properties)])

    async def forget_dispatched(self, queue):
        """As if the coordinator had died after its commit: nothing in the queue, and no confirm noted."""
        await self.pass_time(0.6)
        async with MemoryBroker(self.server) as broker, broker.subscribe(queue, prefetch=100) as subscription:
            lost = await subscription.receive()
            await subscription.settle([(delivery, Verdict.ACK) for delivery in lost])
        ids = [task.id for delivery in lost for task in decode(TaskMessage, delivery.body).tasks]

        def undo(transaction):
            forgotten = (
                tasks.update().where(tasks.c.id.in_(ids)).values(dispatched_at=None, created_at=self.clock.now())
            )
            transaction.connection.execute(forgotten)

        await self.ledger.transact(undo)
        return len(ids)

    @asynccontextmanager
    async def workers_at_work(self):
        async with asyncio.TaskGroup() as group:
            at_work = [group.create_task(each) for each in self.workers()]
            yield
            for task in at_work:
                task.cancel()

    def workers(self):
        return [self.work(team, skill) for team, section in self.cluster.teams.items() for skill in section.skills]

    async def dead_letters(self):
        """What was given up, by queue."""
        owners = [names.DIRECTOR, *self.cluster.teams]
        letters = {}
        async with MemoryBroker(self.server) as broker:
            for queue in [*map(names.dead_queue, owners), names.UNROUTABLE_QUEUE]:
                async with broker.subscribe(queue, prefetch=1000) as subscription:
                    if (await broker.depth(queue)).messages or subscription._unread:
                        letters[queue] = await subscription.receive(1000)
        return letters

    async def rows(self):
        def read(transaction):
            return {row.id: row for row in transaction.connection.execute(tasks.select())}

        return await self.ledger.transact(read)

    async def events(self):
        def read(transaction):
            return [
                (row.type, row.subject, json.loads(row.data))
                for row in transaction.connection.execute(events.select().order_by(events.c.seq))
            ]

        return await self.ledger.transact(read)

    async def times(self, kind):
        """How often each task was planned, or settled, according to the events."""
        return Counter(row["id"] for name, _, data in await self.events() if name == kind for row in data["tasks"])


OF_RESULTS = Properties(type=ResultMessage.TYPE)


def playbooks(cluster, plans, schemas):
    books = [parse_playbook({"name": name, "plan": plan}, name) for name, plan in plans.items()]
    books += [parse_playbook({"name": name, "plan": TALL, "input": schema}, name) for name, schema in schemas.items()]
    skills = {team: frozenset(section.skills) for team, section in cluster.teams.items()}
    return Playbooks(books, skills, cluster.limits)


@dataclass(frozen=True)
class Wishes:
    """What a test may want to be different."""

    at: frozenset = frozenset()
    seed: int = 0
    plans: dict = field(default_factory=lambda: {"tall": TALL})
    schemas: dict = field(default_factory=dict)
    outcome_of: object = None
    silent: bool = False
    leads: tuple = ("scouts", "analysts")
    workers: bool = True
    replicas: int = 1
    server: dict = field(default_factory=dict)


@asynccontextmanager
async def living_world(**wishes):
    wish = Wishes(**wishes)
    clock, cluster = VirtualClock(), parse_cluster(CLUSTER, "cluster.yaml")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(MemoryServer(clock, **wish.server))
        ledger = await stack.enter_async_context(open_ledger("sqlite://", inline=True))
        books = playbooks(cluster, wish.plans, wish.schemas)
        world = World(clock, server, ledger, Fuse(frozenset(wish.at)), Random(wish.seed), cluster, books)
        world.outcome_of, world.silent = wish.outcome_of, wish.silent
        async with MemoryBroker(server) as broker:
            await broker.declare(build(cluster))
        async with asyncio.TaskGroup() as group:
            ready = asyncio.Event()
            makers = [world.director, *map(world.lead, wish.leads)] * wish.replicas
            living = [world.keep_alive(make) for make in makers] + [world.listen(ready)]
            living += world.workers() if wish.workers else []
            members = [group.create_task(each) for each in living]
            await ready.wait()
            yield world
            for member in members:
                member.cancel()


@pytest.fixture
def world():
    """`async with world(at={3}) as cluster:` a cluster whose coordinators die at their third step."""
    return living_world
