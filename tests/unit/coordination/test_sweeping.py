"""What was never confirmed is sent again, and not again and again to a broker that is slow."""

import asyncio

import pytest

from topology import names
from topology.build import build
from topology.cluster import parse_cluster
from warren.broker.memory import MemoryBroker, MemoryServer
from warren.clock import SystemClock, VirtualClock
from warren.coordination.coordinator import Coordinator
from warren.coordination.effects import Effects
from warren.coordination.lease import LEASE_S
from warren.coordination.sweeper import Sweeper
from warren.ledger.event import Planned, ProjectAccepted, Settled, Started
from warren.ledger.ledger import open_ledger
from warren.ledger.outbox import unsent_of
from warren.messages.codec import to_json
from warren.telemetry.telemetry import Telemetry

CLUSTER = parse_cluster("version: 1\nteams: {scouts: {skills: {work: {bundle: 1}}}}\n", "cluster.yaml")
PROJECT = "0197f0a0-0000-7000-8000-000000000001"
LEAD = f"{PROJECT}/0"
TASK = f"{LEAD}/0"
START = 1_800_000_000.0


class SlowBroker:
    """Takes messages, and confirms them when it is told to."""

    def __init__(self, broker):
        self._broker = broker
        self.confirms = asyncio.Event()
        self.taken = []

    async def publish(self, batch):
        self.taken += [each.routing_key for each in batch]
        await self.confirms.wait()

    def __getattr__(self, name):
        return getattr(self._broker, name)


async def accept(ledger):
    row = {"id": PROJECT, "kind": "project", "priority": 4, "input": "{}", "created_at": START}
    plan = {"id": PROJECT, "plan": to_json({"kind": "call", "skill": "work"}), "report_to": "director"}
    lead = row | {"id": LEAD, "kind": "assignment", "team": "scouts", "owner": PROJECT, "parent": PROJECT}
    task = row | {"id": TASK, "kind": "task", "team": "scouts", "skill": "work", "owner": LEAD, "parent": LEAD}
    happened = [
        ProjectAccepted(PROJECT, START, row, plan),
        Started(PROJECT, START),
        Planned(PROJECT, START, [lead], [plan | {"id": LEAD}]),
        Started(LEAD, START),
        Planned(LEAD, START, [task], []),
    ]
    await ledger.transact(lambda transaction: transaction.append(*happened))


async def end(ledger):
    done = {"status": "succeeded", "output": "{}", "error": None, "agent": "w", "attempt": 1}
    done |= {"started_at": START, "ended_at": START}
    settled = Settled(LEAD, START, [done | {"id": TASK}, done | {"id": LEAD}])
    await ledger.transact(lambda transaction: transaction.append(settled))


async def test_what_was_to_be_sent_and_never_was_is_swept_up_after_a_while():
    clock = VirtualClock(START)
    async with (
        asyncio.timeout(30),
        MemoryServer(SystemClock()) as server,
        MemoryBroker(server) as memory,
        open_ledger("sqlite://", inline=True) as ledger,
    ):
        await memory.declare(build(CLUSTER))
        broker = SlowBroker(memory)
        broker.confirms.set()
        lead = Coordinator(broker, ledger, clock, CLUSTER, Telemetry.silent("x"), "scouts")
        await accept(ledger)
        clock.advance(10)
        held = await lead.carry(lambda transaction: Effects(unsent=unsent_of(transaction, [LEAD])))
        assert [parcel.dispatched for parcel in held] == [[TASK]]
        await Sweeper(lead).sweep()
        assert broker.taken == []
        clock.advance(61)
        await Sweeper(lead).sweep()
        assert broker.taken == [names.task_key("scouts", "work")]


@pytest.mark.parametrize("what", ["task", "report"])
async def test_one_of_several_replicas_sends_again_what_is_stale_and_the_next_when_its_lease_is_over(what):
    clock = VirtualClock(START)
    async with (
        asyncio.timeout(30),
        MemoryServer(SystemClock()) as server,
        MemoryBroker(server) as memory,
        open_ledger("sqlite://", inline=True) as ledger,
    ):
        await memory.declare(build(CLUSTER))
        broker = SlowBroker(memory)
        leads = [Coordinator(broker, ledger, clock, CLUSTER, Telemetry.silent("x"), "scouts") for _ in range(2)]
        await accept(ledger)
        if what == "report":
            await end(ledger)
        clock.advance(10)
        key = names.task_key("scouts", "work") if what == "task" else names.result_key("director")

        async def sweep_often(group):
            for _ in range(5):
                for lead in leads:
                    group.create_task(Sweeper(lead).sweep())
                    for _ in range(20):  # as far as it gets without a confirm
                        await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            await sweep_often(group)
            assert broker.taken.count(key) == 1
            clock.advance(LEASE_S)
            await sweep_often(group)
            assert broker.taken.count(key) == 2
            clock.advance(LEASE_S)
            await sweep_often(group)
            assert broker.taken.count(key) == len(leads)  # each has one on its way already
            broker.confirms.set()
        for lead in leads:
            await lead.desk.write_notes()
            await Sweeper(lead).sweep()
        assert broker.taken.count(key) == len(leads)
