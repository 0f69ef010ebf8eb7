"""What has to wait is woken in time, once, whoever planned it."""

import asyncio

import pytest

from topology import names
from topology.build import build
from topology.cluster import parse_cluster
from warren.broker.memory import MemoryBroker, MemoryServer
from warren.clock import SystemClock, VirtualClock
from warren.coordination.agenda import Agenda
from warren.coordination.alarm import Alarm
from warren.coordination.coordinator import Coordinator
from warren.ledger.event import Planned, ProjectAccepted, Started
from warren.ledger.ledger import open_ledger
from warren.ledger.schema import tasks
from warren.messages.codec import to_json
from warren.telemetry.telemetry import Telemetry

CLUSTER = parse_cluster("version: 1\nteams: {scouts: {skills: {work: {bundle: 1}}}}\n", "cluster.yaml")
PROJECT = "0197f0a0-0000-7000-8000-000000000001"
LEAD = f"{PROJECT}/0"
CALL = {"kind": "call", "skill": "work", "input": {}}
START = 1_800_000_000.0


class Office:
    """A lead and a director on one ledger, at a time that the test sets."""

    def __init__(self, broker, ledger, clock):
        self.broker, self.ledger, self.clock = broker, ledger, clock
        self.lead, self.director = (
            Coordinator(broker, ledger, clock, CLUSTER, Telemetry.silent("x"), realm)
            for realm in ("scouts", "director")
        )

    async def plan(self, *moments):
        """A project whose lead has planned a task for each of the moments (seconds from the start, or None)."""
        task = {"id": PROJECT, "kind": "project", "priority": 4, "input": "{}", "created_at": START}
        plan = {"id": PROJECT, "plan": to_json(CALL), "report_to": "director"}
        lead = task | {"id": LEAD, "kind": "assignment", "team": "scouts", "owner": PROJECT, "parent": PROJECT}
        rows = [
            task
            | {"id": f"{LEAD}/0/{n}", "kind": "task", "team": "scouts", "skill": "work", "owner": LEAD}
            | {"parent": f"{LEAD}/0", "position": n, "not_before_at": None if at is None else START + at}
            for n, at in enumerate(moments)
        ]
        await self.append(
            ProjectAccepted(PROJECT, START, task, plan),
            Started(PROJECT, START),
            Planned(PROJECT, START, [lead], [plan | {"id": LEAD}]),
            Started(LEAD, START),
            Planned(LEAD, START, rows, []),
        )

    async def append(self, *happened):
        await self.ledger.transact(lambda transaction: transaction.append(*happened))

    async def queued(self):
        return (await self.broker.depth(names.work_queue("scouts", "work"))).messages

    async def row(self, each):
        def read(transaction):
            return transaction.connection.execute(tasks.select().where(tasks.c.id == each)).first()

        return await self.ledger.transact(read)


@pytest.fixture
async def office():
    clock = VirtualClock(START)
    async with (
        MemoryServer(clock) as server,
        MemoryBroker(server) as broker,
        open_ledger("sqlite://", inline=True) as ledger,
        asyncio.timeout(20),
    ):
        await broker.declare(build(CLUSTER))
        yield Office(broker, ledger, clock)


async def test_what_is_due_is_sent_and_the_rest_waits(office):
    await office.plan(1.0, 2.0, 3.0)
    office.clock.advance(2.5)
    await Alarm(office.lead).ring()
    assert await office.queued() == 2
    office.clock.advance(1.0)
    await Alarm(office.lead).ring()
    assert await office.queued() == 3


async def test_nobody_sends_what_another_one_is_about_to_send(office):
    await office.plan(1.0)
    office.clock.advance(1.0)
    await Alarm(office.lead).ring()
    replica = Coordinator(office.broker, office.ledger, office.clock, CLUSTER, Telemetry.silent("x"), "scouts")
    await Alarm(replica).ring()
    assert await office.queued() == 1


async def test_what_was_taken_on_and_never_confirmed_is_sent_by_another_one(office):
    await office.plan(1.0)
    office.clock.advance(1.0)
    died = Alarm(office.lead)
    await office.ledger.transact(lambda transaction: died._take_on(transaction, office.clock.now()))
    replica = Coordinator(office.broker, office.ledger, office.clock, CLUSTER, Telemetry.silent("x"), "scouts")
    office.clock.advance(4.9)
    await Alarm(replica).ring()
    assert await office.queued() == 0
    office.clock.advance(0.2)
    await Alarm(replica).ring()
    assert await office.queued() == 1


async def test_each_wakes_only_what_is_its_own(office):
    await office.plan(1.0)
    office.clock.advance(1.0)
    await Alarm(office.director).ring()
    assert await office.queued() == 0


async def test_a_project_begins_when_it_is_due_and_only_once(office):
    task = {"id": PROJECT, "kind": "project", "priority": 4, "input": "{}", "created_at": START}
    plan = {"kind": "delegate", "team": "scouts", "plan": CALL}
    row = {"id": PROJECT, "plan": to_json(plan), "report_to": "director"}
    await office.append(ProjectAccepted(PROJECT, START, task | {"not_before_at": START + 5.0}, row))
    await Alarm(office.director).ring()
    assert (await office.row(PROJECT)).started_at is None
    office.clock.advance(5.0)
    for _ in range(2):
        await Alarm(office.director).ring()
    assert (await office.row(PROJECT)).started_at == START + 5.0
    assert (await office.broker.depth(names.lead_queue("scouts"))).messages == 1


async def test_an_agenda_wakes_at_the_moment_that_it_knows(office):
    agenda = Agenda(office.clock)
    agenda.expect(START + 3.0)
    agenda.expect(START + 7.0)
    waiting = asyncio.ensure_future(agenda.wait(0.0, 60.0))
    await advanced(office.clock, 2.9)
    assert (waiting.done(), agenda.is_due) == (False, False)
    await advanced(office.clock, 0.1)
    await waiting
    assert agenda.is_due


async def test_an_agenda_hears_of_something_earlier_while_it_waits():
    agenda = Agenda(SystemClock())
    waiting = asyncio.ensure_future(agenda.wait(0.0, 60.0))
    await asyncio.sleep(0)
    agenda.expect(SystemClock().now())
    async with asyncio.timeout(5):
        await waiting


async def advanced(clock, seconds):
    for _ in range(5):
        await asyncio.sleep(0)
    clock.advance(seconds)
    for _ in range(5):
        await asyncio.sleep(0)
