"""What was given up is open again, in the rows as in the events."""

import pytest

from warren.ledger import outbox
from warren.ledger.event import (
    STOPPED_ERROR,
    Dispatched,
    Leased,
    NodesChanged,
    Planned,
    Postponed,
    Reopened,
    Reported,
    Settled,
    Stopped,
)
from warren.ledger.lost import lost, lost_nodes, outcomes, stopped_below
from warren.ledger.rebuild import rebuild
from warren.ledger.schema import nodes, tasks
from warren.messages.outcome import Failed
from warren.messages.written import Written


@pytest.fixture
async def given_up(append, accepted, task, settled, node):
    """A project of three tasks: one has succeeded, one has failed, and the third was stopped over it."""
    await append(
        accepted("P"),
        Planned("P", 11.0, [task(f"P/0/{key}", input='{"n":1}') for key in range(3)], []),
        NodesChanged("P", 11.0, [node("P/0", state='{"open":[1]}')]),
        Dispatched("P", 12.0, ["P/0/0", "P/0/1", "P/0/2"]),
        Settled("P", 13.0, [settled("P/0/0"), settled("P/0/1", "failed"), settled("P", "failed")]),
        NodesChanged("P", 13.0, [node("P/0", status="failed", error='{"code":"broken","message":""}')]),
        Stopped("P", 13.0, "cancelled", STOPPED_ERROR),
        Reported("P", 14.0, ["P"]),
    )


@pytest.fixture
async def opened(given_up, append, reopened):
    rows = [reopened("P", started_at=10.0), reopened("P/0/1", input='{"n":2}'), reopened("P/0/2", attempt=1)]
    await append(Reopened("P", 20.0, rows, ["P/0"]))


async def test_what_was_given_up_and_what_was_stopped_over_it_are_told_apart(given_up, ledger):
    tasks_found, nodes_found = await ledger.read(lambda transaction: stopped_below(transaction, "P"))
    assert (list(tasks_found), list(nodes_found)) == (["P/0/2"], [])
    found = await ledger.read(lambda transaction: lost(transaction, ["P/0/1", "P/0/2", "P", "Q"]))
    assert {each: row.was_stopped for each, row in found.items()} == {"P": False, "P/0/1": False, "P/0/2": True}
    assert (await ledger.read(lambda transaction: lost_nodes(transaction, ["P/0", "P/7"])))["P/0"].status == "failed"


async def test_outcomes_are_read_of_tasks_and_nodes_that_have_ended(given_up, ledger):
    found = await ledger.read(lambda transaction: outcomes(transaction, ["P/0", "P/0/0", "P/0/1", "P/9"]))
    assert {each: type(outcome) for each, outcome in found.items()} == {
        "P/0": Failed,
        "P/0/0": Written,
        "P/0/1": Failed,
    }


async def test_what_is_opened_again_is_as_if_it_had_not_ended(opened, rows):
    found = await rows(tasks)
    assert [found[each]["status"] for each in ("P", "P/0/0", "P/0/1", "P/0/2")] == ["open", "succeeded", "open", "open"]
    again = found["P/0/1"]
    assert (again["attempt"], again["replays"], again["input"]) == (2, 1, '{"n":2}')
    assert [again[name] for name in ("error", "agent", "ended_at", "started_at", "dispatched_at")] == [None] * 5
    assert (found["P/0/2"]["input"], found["P"]["started_at"], found["P"]["reported_at"]) == ('{"n":1}', 10.0, None)
    [node] = (await rows(nodes)).values()
    assert (node["status"], node["error"], node["ended_at"], node["state"]) == ("open", None, None, "{}")


async def test_what_is_opened_again_is_to_be_sent_again(opened, ledger):
    found = await ledger.read(lambda transaction: outbox.unsent_of(transaction, ["P"]))
    assert [(each.id, each.attempt, each.replay) for each in found] == [("P/0/1", 2, 1), ("P/0/2", 1, 1)]


async def test_an_old_confirm_does_not_hide_what_is_opened_again(opened, append, rows, ledger):
    await append(Dispatched("P", 21.0, ["P/0/1"]), Reported("P", 21.0, ["P"]))
    assert ((await rows(tasks))["P/0/1"]["dispatched_at"], (await rows(tasks))["P"]["reported_at"]) == (None, None)
    await append(Dispatched("P", 22.0, ["P/0/1"], 1))
    assert (await rows(tasks))["P/0/1"]["dispatched_at"] == 22.0


async def test_the_events_make_the_same_rows(opened, append, ledger):
    await append(Postponed("P", 21.0, ["P/0/1"], 26.0))
    assert (await rebuild(ledger)).differences == []


async def test_what_is_to_wait_is_sent_when_it_is_due_and_not_before(ledger, append, accepted, task):
    rows = [task("P/0", not_before_at=50.0), task("P/1", not_before_at=40.0), task("P/2")]
    await append(accepted("P"), Planned("P", 11.0, rows, []))
    assert [each.id for each in await ledger.read(lambda t: outbox.unsent_of(t, ["P"]))] == ["P/2"]
    assert [each.id for each in await ledger.transact(lambda t: outbox.stale_unsent(t, 99.0, 99.0, 9))] == ["P/2"]
    assert await ledger.read(outbox.next_due) == 40.0
    assert await ledger.transact(due_at(39.9)) == []
    assert await ledger.transact(due_at(60.0)) == ["P/1", "P/0"]
    await append(Postponed("P", 60.0, ["P/0", "P/1"], 65.0))
    assert await ledger.transact(due_at(64.9)) == []
    await append(Leased("P", 65.0, ["P/1", "P/0"], 70.0))
    assert await ledger.read(outbox.next_due) == 70.0
    assert await ledger.transact(due_at(69.9)) == []
    assert sorted(await ledger.transact(due_at(70.0))) == ["P/0", "P/1"]
    await append(Dispatched("P", 61.0, ["P/0", "P/1"]))
    assert (await ledger.transact(due_at(99.0)), await ledger.read(outbox.next_due)) == ([], None)


async def test_a_project_that_waits_is_due_until_it_has_begun(ledger, append, accepted, rows):
    await append(accepted("P", not_before_at=50.0), accepted("Q"))
    assert await ledger.read(lambda t: outbox.due_projects(t, 49.0, 9)) == []
    assert await ledger.read(lambda t: outbox.due_projects(t, 50.0, 9)) == ["P"]
    await append(Settled("P", 51.0, [{**(await rows(tasks))["P"], "status": "cancelled", "ended_at": 51.0}]))
    assert await ledger.read(lambda t: outbox.due_projects(t, 52.0, 9)) == []
    assert await ledger.read(outbox.next_due) is None


def due_at(now):
    return lambda transaction: [each.id for each in outbox.due(transaction, now, 9)]


async def test_everybody_finds_only_what_is_his_own(ledger, append, accepted, assigned, task, settled):
    late = {"deadline_at": 20.0, "created_at": 1.0}
    await append(accepted("P", deadline_at=20.0), assigned("P/0", team="writers", **late))
    waits = task("P/0/0/1", owner="P/0", not_before_at=15.0)
    await append(Planned("P/0", 11.0, [task("P/0/0/0", owner="P/0", **late), waits], []))

    async def found(owner):
        def work(transaction):
            return (
                [each.id for each in outbox.overdue(transaction, 50.0, 9, owner)],
                [each.id for each in outbox.stale_unsent(transaction, 50.0, 50.0, 9, owner)],
                [each.id for each in outbox.due(transaction, 50.0, 9, owner)],
                outbox.next_due(transaction, owner),
            )

        return await ledger.transact(work)

    assert await found("director") == (["P", "P/0"], ["P/0"], [], None)
    assert await found("writers") == (["P/0/0/0"], ["P/0/0/0"], ["P/0/0/1"], 15.0)
    assert await found("others") == ([], [], [], None)
    await append(Settled("P", 30.0, [settled("P"), settled("P/0")]))

    async def unreported(owner):
        return [each.id for each in await ledger.transact(lambda t: outbox.stale_unreported(t, 50.0, 50.0, 9, owner))]

    assert (await unreported("director"), await unreported("writers")) == (["P"], ["P/0"])
