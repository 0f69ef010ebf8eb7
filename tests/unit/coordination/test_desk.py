"""The desk outlasts its ledger and its broker, and writes down only what was confirmed."""

import asyncio

import pytest

from topology.declaration import Queue, Topology
from warren.broker.memory import MemoryBroker, MemoryServer
from warren.broker.port import Outgoing
from warren.clock import VirtualClock
from warren.coordination.desk import Desk
from warren.coordination.parcel import Parcel
from warren.errors import LedgerUnavailable


class Unsteady:
    """A ledger that fails as often as it is told, and keeps the events that were appended."""

    def __init__(self):
        self.failures = 0
        self.written = []
        self.tried = 0

    async def transact(self, work):
        self.tried += 1
        transaction = Appended()
        value = work(transaction)
        if self.failures:
            self.failures -= 1
            raise LedgerUnavailable("the ledger does not answer: try again")
        self.written += transaction.events
        return value


class Appended:
    def __init__(self):
        self.events = []

    def append(self, *happened):
        self.events += happened


@pytest.fixture
async def desk():
    clock = VirtualClock()
    async with MemoryServer(clock) as server, MemoryBroker(server) as broker:
        await broker.declare(Topology(queues=(Queue("q", {"x-queue-type": "classic"}),)))
        desk = Desk(broker, Unsteady(), clock)
        desk.ledger = desk._ledger
        yield desk


async def through(clock, awaitable):
    """The result, however long it takes in virtual time."""
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(awaitable)
        while not task.done():
            await asyncio.sleep(0)
            if (due := clock.next_wake()) is not None:
                clock.advance_to(due)
        return task.result()


def parcel(queue="q", **ids):
    return Parcel(Outgoing("", queue, b"{}"), owner="p", **ids)


async def test_an_outage_is_waited_for_and_said(desk):
    desk.ledger.failures = 3
    seen = []

    def work(_):
        seen.append(desk.waiting_for)
        return "done"

    assert await through(desk.clock, desk.transact(work)) == "done"
    assert seen[0] is None
    assert all("does not answer" in each for each in seen[1:])
    assert (desk.waiting_for, desk.ledger.tried) == (None, 4)


async def test_a_fault_of_the_work_is_not_tried_again(desk):
    def work(_):
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await desk.transact(work)
    assert desk.ledger.tried == 1


async def test_what_was_confirmed_is_noted_once_with_the_next_transaction(desk):
    assert await desk.send([parcel(dispatched=["p/0", "p/1"]), parcel(dispatched=["p/2"]), parcel()]) == []
    assert desk.ledger.written == []
    desk.ledger.failures = 2
    await through(desk.clock, desk.transact(lambda _: None))
    (note,) = desk.ledger.written
    assert (note.TYPE, note.subject, note.ids) == ("tasks.dispatched", "p", ["p/0", "p/1", "p/2"])
    await desk.write_notes()
    assert len(desk.ledger.written) == 1


async def test_notes_outlast_a_transaction_that_fails(desk):
    await desk.send([parcel(dispatched=["p/0"])])
    with pytest.raises(ZeroDivisionError):
        await desk.transact(lambda _: 1 / 0)
    await desk.write_notes()
    assert [note.ids for note in desk.ledger.written] == [["p/0"]]


async def test_what_no_queue_took_stays_unsent(desk):
    lost = await desk.send([parcel(dispatched=["p/0"]), parcel("nowhere", dispatched=["p/1"])])
    assert [each.dispatched for each in lost] == [["p/1"]]
    await desk.write_notes()
    assert [note.ids for note in desk.ledger.written] == [["p/0"]]


async def test_an_outcome_is_reported_only_when_everybody_has_it(desk):
    await desk.send([parcel("nowhere", reported=["p"]), parcel(reported=["p"])])
    await desk.write_notes()
    assert desk.ledger.written == []
    await desk.send([parcel(reported=["p"]), parcel(reported=["p"])])
    await desk.write_notes()
    assert [(note.TYPE, note.ids) for note in desk.ledger.written] == [("outcomes.reported", ["p"])]


async def test_a_full_queue_of_somebody_elses_is_not_tried_again_and_again(desk):
    full = {"x-queue-type": "classic", "x-max-length": 1, "x-overflow": "reject-publish"}
    await desk.broker.declare(Topology(queues=(Queue("full", full),)))
    theirs = Parcel(Outgoing("", "full", b"{}", mandatory=False), owner="p", reported=["p"])
    assert await desk.send([theirs, theirs, parcel(dispatched=["p/0"])]) == []
    ours = Parcel(Outgoing("", "full", b"{}"), owner="q", reported=["q"])
    assert await desk.send([ours]) == [ours]
    await desk.write_notes()
    assert {(note.TYPE, note.subject) for note in desk.ledger.written} == {
        ("outcomes.reported", "p"),
        ("tasks.dispatched", "p"),
    }


async def test_without_a_broker_everything_stays_unsent_and_nobody_dies(desk):
    desk.broker.sever()
    lost = await desk.send([parcel(dispatched=["p/0"]), parcel()])
    assert len(lost) == 2
    await desk.write_notes()
    assert desk.ledger.written == []


async def test_nothing_to_send_is_not_sent(desk):
    desk.broker.sever()
    assert await desk.send([]) == []
