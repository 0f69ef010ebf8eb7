"""The events are the truth: replayed, they give the same rows, as of any moment, whoever wrote at the same time."""

import asyncio
import random
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import text

from warren.errors import InvalidInput, LedgerUnavailable
from warren.ledger.event import (
    Dispatched,
    Leased,
    NodesChanged,
    Overtaken,
    Planned,
    Postponed,
    Reopened,
    Reported,
    Settled,
    Started,
    Stopped,
    Traced,
)
from warren.ledger.history import Until
from warren.ledger.ledger import open_ledger
from warren.ledger.rebuild import as_of, rebuild
from warren.ledger.schema import PROJECTIONS, events, tasks

NUMBERS = count()
DRAWS = st.lists(st.lists(st.integers(0, 2**16), min_size=1, max_size=4), min_size=1, max_size=8)


class Life:
    """Makes events out of random numbers: of a project that lives wildly, as the engine never would."""

    def __init__(self, project, makers):
        self.make = makers
        self.ids = [project]
        self.paths = []
        self.project = project
        self.now = 10.0

    def event(self, draw):
        self.now += 1
        moves = (
            *(self.plan, self.assign, self.dispatch, self.settle, self.move),
            *(self.stop, self.report, self.start, self.overtake, self.trace, self.reopen, self.postpone, self.lease),
        )
        return moves[draw % len(moves)](draw // len(moves))

    def some(self, draw):
        return random.Random(draw).sample(self.ids, k=min(len(self.ids), 1 + draw % 5))

    def below(self, draw):
        return f"{self.ids[draw % len(self.ids)]}/{len(self.ids)}"

    def plan(self, draw):
        place = self.below(draw)
        new = [f"{place}{suffix}" for suffix in ("", "x", "/0")]
        self.ids += new
        tasks = [self.make["task"](each, deadline_at=draw / 7) for each in new]
        return Planned(self.project, self.now, tasks, [])

    def assign(self, draw):
        assignment = self.below(draw)
        self.ids.append(assignment)
        return self.make["assigned"](assignment)

    def dispatch(self, draw):
        return Dispatched(self.project, self.now, [*self.some(draw), "nobody/0"])

    def settle(self, draw):
        status = ("succeeded", "failed", "cancelled", "expired")[draw % 4]
        ended = [self.make["settled"](each, status, ended_at=self.now + draw / 3) for each in self.some(draw)]
        return Settled(self.project, self.now, ended)

    def move(self, draw):
        path = f"{self.project}/{draw % 4}/{draw % 3}"
        state, status = f'{{"at":{draw},"ü":"\\u0000"}}', ("open", "open", "succeeded")[draw % 3]
        return NodesChanged(self.project, self.now, [self.make["node"](path, status=status, state=state)])

    def stop(self, draw):
        return Stopped(self.ids[draw % len(self.ids)], self.now, "cancelled", '{"code":"cancelled"}')

    def report(self, draw):
        return Reported(self.project, self.now, self.some(draw), draw % 2)

    def overtake(self, draw):
        late = [self.make["settled"](each, started_at=self.now, history="[]") for each in self.some(draw)]
        return Overtaken(self.project, self.now, late)

    def reopen(self, draw):
        rows = [self.make["reopened"](each, replays=draw, attempt=draw + 1) for each in self.some(draw)]
        return Reopened(self.project, self.now, rows, [f"{self.project}/{draw % 4}/{draw % 3}"])

    def postpone(self, draw):
        return Postponed(self.project, self.now, self.some(draw), self.now + draw)

    def lease(self, draw):
        return Leased(self.project, self.now, self.some(draw), self.now + draw)

    def trace(self, draw):
        return Traced(self.ids[draw % len(self.ids)], self.now)

    def start(self, draw):
        return Started(self.ids[draw % len(self.ids)], self.now)


@pytest.fixture
def life(task, settled, node, assigned, reopened):
    makers = {"task": task, "settled": settled, "node": node, "assigned": assigned, "reopened": reopened}
    return lambda project: Life(project, makers)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draws=DRAWS)
async def test_whatever_happened_the_events_make_the_same_rows(ledger, append, accepted, life, draws):
    project = f"P{next(NUMBERS)}"
    alive = life(project)
    await append(accepted(project))
    for batch in draws:
        await append(*(alive.event(draw) for draw in batch))
    report = await rebuild(ledger)
    assert report.differences == []
    assert report.rows["tasks"] >= len(alive.ids)


async def test_the_rows_of_any_earlier_moment_can_be_seen_again(ledger, append, accepted, life):
    alive, seen = life("P"), {}

    def everything(transaction):
        return [transaction.connection.execute(table.select()).all() for table in PROJECTIONS]

    def moment(transaction):
        return transaction.connection.execute(text("SELECT max(seq) FROM events")).scalar(), everything(transaction)

    await append(accepted("P"))
    for draw in range(40):
        await append(alive.event(draw * 37))
        seq, state = await ledger.read(moment)
        seen[seq] = state
    for seq, state in seen.items():
        rebuilt = await as_of(ledger, Until(seq=seq), everything)
        assert [sorted(rows) for rows in rebuilt] == [sorted(rows) for rows in state]
    assert await as_of(ledger, Until(at=9.0), everything) == [[], [], []]


@pytest.mark.parametrize(
    ("tampering", "sentence"),
    [
        ("UPDATE tasks SET status = 'open' WHERE id = 'P/7'", "tasks P/7: status is 'open', by the events it is 'succ"),
        ("UPDATE tasks SET ended_at = NULL WHERE id = 'P/7'", "tasks P/7: ended_at is empty, by the events it is 12"),
        ("UPDATE plans SET plan = '{}'", "plans P: plan is '{}', by the events it is '{\"kind\":\"call\"}'"),
        ("DELETE FROM tasks WHERE id = 'P/10'", "tasks P/10: the row is missing, by the events it is there"),
        ("DELETE FROM nodes", "nodes P/0: the row is missing, by the events it is there"),
        (
            "INSERT INTO plans (id, plan, report_to) VALUES ('Z', '{}', 'director')",
            "plans Z: the row is there, by the events it is missing",
        ),
    ],
)
async def test_a_row_that_was_tampered_with_is_found_and_mended(
    ledger, append, accepted, task, settled, node, tampering, sentence
):
    await append(accepted("P"), Planned("P", 11.0, [task(f"P/{key}") for key in range(1200)], []))
    await append(Settled("P", 12.0, [settled("P/7")]), NodesChanged("P", 12.0, [node("P/0")]))
    assert (await rebuild(ledger)).is_equal
    await ledger.transact(lambda transaction: transaction.connection.execute(text(tampering)) and None)
    found = await rebuild(ledger)
    assert [str(difference)[: len(sentence)] for difference in found.differences] == [sentence]
    assert (found.difference_count, found.repaired) == (1, False)
    mended = await rebuild(ledger, apply=True)
    assert (mended.differences, mended.repaired) == (found.differences, True)
    assert (await rebuild(ledger)).is_equal


async def test_only_the_first_of_many_differences_are_listed(ledger, append, accepted, task):
    await append(accepted("P"), Planned("P", 11.0, [task(f"P/{key}") for key in range(700)], []))
    await ledger.transact(lambda t: t.connection.execute(text("UPDATE tasks SET attempt = 9")) and None)
    report = await rebuild(ledger)
    assert len(report.differences) == 100
    assert report.difference_count == 701


async def test_a_rebuild_of_an_earlier_moment_says_what_happened_since_and_is_never_applied(
    ledger, append, accepted, settled
):
    await append(accepted("P"))
    await append(Settled("P", 12.0, [settled("P")]))
    report = await rebuild(ledger, until=Until(seq=1))
    assert "status" in {difference.column for difference in report.differences}
    with pytest.raises(InvalidInput):
        await rebuild(ledger, until=Until(seq=1), apply=True)
    assert (await rebuild(ledger)).is_equal


async def test_the_ledger_goes_on_after_it_was_mended(ledger, append, accepted, task):
    await append(accepted("P"))
    await ledger.transact(lambda t: t.connection.execute(text("DELETE FROM tasks")) and None)
    await rebuild(ledger, apply=True)
    await append(Planned("P", 11.0, [task("P/0")], []))
    assert (await rebuild(ledger)).is_equal


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "task.levitated"}, "unknown_event"),
        ({"data": "{}"}, "damaged_event"),
        ({"data": '{"tasks":[{"nothing":1}],"plans":[]}'}, "damaged_event"),
        ({"data": '{"tasks":['}, "damaged_event"),
    ],
    ids=["unknown", "empty", "no-columns", "cut-short"],
)
async def test_an_event_that_cannot_be_replayed_is_named_by_its_number(ledger, append, accepted, task, change, code):
    await append(accepted("P"), Planned("P", 11.0, [task("P/0")], []))
    statement = events.update().where(events.c.type == "tasks.planned").values(change)
    await ledger.transact(lambda transaction: transaction.connection.execute(statement) and None)
    with pytest.raises(InvalidInput, match="event 2 of the ledger") as found:
        await rebuild(ledger)
    assert found.value.code == code


async def test_writers_at_the_same_time_leave_events_that_make_the_same_rows(
    ledger_url, ledger, append, accepted, assigned, task, settled
):
    owners = ["P/0", "P/1", "P/2"]
    await append(accepted("P"), *(assigned(owner) for owner in owners))

    async def live(number):
        chance = random.Random(number)
        async with open_ledger(ledger_url) as own:
            for turn in range(15):
                owner = chance.choice(owners)
                await persistently(own, work(owner, number, turn, chance.random() < 0.2))

    def work(owner, number, turn, stops):
        ids = [f"{owner}/{number}-{turn}-{key}" for key in range(5)]

        def carry(transaction):
            transaction.append(Dispatched(owner, 12.0, ids[:2]))
            state = transaction.lock([owner])[owner].status
            if state == "open":
                transaction.append(Planned(owner, 11.0, [task(each, owner=owner) for each in ids], []))
                transaction.append(Settled(owner, 12.0, [settled(each) for each in ids[1:3]]))
            if stops:
                transaction.lock(["P"])
                transaction.append(Stopped(chance_path(number, owner), 13.0, "cancelled", "{}"))

        return carry

    await asyncio.gather(*(live(number) for number in range(3)))
    report = await rebuild(ledger)
    assert report.differences == []
    assert report.rows["tasks"] > 4


def chance_path(number, owner):
    return "P" if number == 0 else owner


async def persistently(ledger, work):
    """As coordinators do: what the database rolled back is tried again."""
    while True:
        try:
            return await ledger.transact(work)
        except LedgerUnavailable:
            continue


async def test_a_task_that_is_confirmed_and_settled_at_once_is_written_once(
    ledger, append, accepted, task, settled, rows
):
    await append(accepted("P"), Planned("P", 11.0, [task("P/0"), task("P/1")], []))
    written = []

    def work(transaction):
        sqlalchemy_event.listen(
            transaction.connection, "before_cursor_execute", lambda *facts: written.append((facts[2], facts[3]))
        )
        transaction.append(Dispatched("P", 12.0, ["P/0"]), Settled("P", 13.0, [settled("P/0")]))
        transaction.append(Settled("P", 13.0, [settled("P/1")]), Dispatched("P", 14.0, ["P/1"]))
        transaction.flush()

    await ledger.transact(work)
    assert {each: row["dispatched_at"] for each, row in (await rows(tasks)).items()} == {
        "P": None,
        "P/0": 12.0,
        "P/1": 14.0,
    }
    marks = [
        str(parameters) for statement, parameters in written if statement.startswith("UPDATE tasks SET dispatched")
    ]
    assert len(marks) == 1
    assert "P/0" not in marks[0]
    assert (await rebuild(ledger)).differences == []


async def test_a_confirm_from_before_a_replay_is_not_written_with_the_result_of_the_replay(
    ledger, append, accepted, task, settled, reopened, rows
):
    await append(accepted("P"), Planned("P", 11.0, [task("P/0")], []), Settled("P", 12.0, [settled("P/0", "failed")]))
    await append(Reopened("P", 13.0, [reopened("P/0", replays=1, attempt=2)], []))
    await append(Dispatched("P", 14.0, ["P/0"]), Settled("P", 15.0, [settled("P/0", attempt=2)]))
    assert (await rows(tasks))["P/0"]["dispatched_at"] is None
    assert (await rebuild(ledger)).differences == []
