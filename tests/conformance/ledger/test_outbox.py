"""What is still to be sent, to be reported, or past its time."""

import pytest
from sqlalchemy import event as sqlalchemy_event

from warren.ledger import outbox
from warren.ledger.event import Dispatched, Leased, Planned, Reported, Settled, Stopped
from warren.ledger.ledger import open_ledger

LIMIT = 100
STALE_INDEXES = ("tasks_open", "tasks_unreported", "tasks_deadline")


def stale(before=50.0, limit=LIMIT):
    return lambda transaction: [each.id for each in outbox.stale_unsent(transaction, before, before, limit)]


async def test_what_is_planned_is_unsent_until_the_broker_has_confirmed_it(ledger, append, accepted, task):
    await append(accepted("P"), Planned("P", 11.0, [task("P/0"), task("P/1")], []))
    await append(Dispatched("P", 12.0, ["P/0"]))
    found = await ledger.read(lambda transaction: outbox.unsent_of(transaction, ["P", "Q"]))
    assert [(each.id, each.kind, each.team, each.skill, each.input) for each in found] == [
        ("P/1", "task", "writers", "write", "{}")
    ]
    assert await ledger.read(lambda transaction: outbox.unsent_of(transaction, ["Q"])) == []


async def test_an_unsent_assignment_comes_with_its_plan(ledger, append, accepted, assigned):
    await append(accepted("P"), assigned("P/0"))
    [found] = await ledger.read(lambda transaction: outbox.unsent_of(transaction, ["P"]))
    assert (found.id, found.kind, found.plan, found.report_to) == ("P/0", "assignment", "{}", "director")


async def test_what_has_ended_is_never_sent(ledger, append, accepted, task, settled):
    await append(accepted("P"), Planned("P", 11.0, [task("P/0"), task("P/1/0"), task("P/2")], []))
    await append(Settled("P", 12.0, [settled("P/0")]), Stopped("P/1", 12.0, "cancelled", "{}"))
    assert [each.id for each in await ledger.read(lambda t: outbox.unsent_of(t, ["P"]))] == ["P/2"]
    assert await ledger.transact(stale()) == ["P/2"]


async def test_the_oldest_unsent_come_first_and_the_young_not_at_all(ledger, append, accepted, task):
    ages = {"P/0": 30.0, "P/1": 20.0, "P/2": 40.0, "P/3": 60.0}
    await append(accepted("P"), Planned("P", 11.0, [task(each, created_at=at) for each, at in ages.items()], []))
    assert await ledger.transact(stale()) == ["P/1", "P/0", "P/2"]
    assert await ledger.transact(stale(limit=2)) == ["P/1", "P/0"]


async def test_projects_are_not_sent_to_anybody(ledger, append, accepted):
    await append(accepted("P"))
    assert await ledger.transact(stale()) == []


@pytest.mark.parametrize("ledger_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_two_sweepers_at_once_do_not_send_the_same(ledger_url, ledger, append, accepted, task, settled):
    await append(accepted("P"), accepted("Q"), Planned("P", 11.0, [task(f"P/{key}") for key in range(6)], []))
    await append(Settled("P", 12.0, [settled("P"), settled("Q")]))
    async with open_ledger(ledger_url) as other, ledger._engine.begin() as connection:
        first = await connection.run_sync(lambda sync: sweep(other_transaction(sync), 4))
        second = await other.transact(lambda transaction: sweep(transaction, 4))
    assert [len(first[0]), len(second[0])] == [4, 2]
    assert [len(first[1]), len(second[1])] == [2, 0]
    assert sorted(first[0] + second[0]) == [f"P/{key}" for key in range(6)]


async def test_what_somebody_has_taken_on_the_others_leave_alone_until_the_lease_is_over(
    ledger, append, accepted, task, settled
):
    await append(accepted("P"), accepted("Q"), Planned("P", 11.0, [task("P/0"), task("P/1")], []))
    await append(Settled("Q", 12.0, [settled("Q")]))
    await append(Leased("P", 50.0, ["P/0"], 55.0), Leased("Q", 50.0, ["Q"], 55.0))

    async def found(now):
        def look(transaction):
            unsent = outbox.stale_unsent(transaction, 50.0, now, LIMIT)
            return [each.id for each in [*unsent, *outbox.stale_unreported(transaction, 50.0, now, LIMIT)]]

        return await ledger.transact(look)

    assert await found(54.9) == ["P/1"]
    assert sorted(await found(55.0)) == ["P/0", "P/1", "Q"]


async def test_whether_anything_is_stale_is_known_by_reading(ledger, append, accepted, task, settled):
    async def is_stale(before, now, whose="writers"):
        return await ledger.read(lambda t: outbox.is_anything_stale(t, before, now, whose))

    await append(accepted("P"), Planned("P", 11.0, [task("P/0", created_at=30.0, deadline_at=90.0)], []))
    assert not await is_stale(30.0, 35.0)
    assert await is_stale(31.0, 36.0)
    assert not await is_stale(31.0, 36.0, "readers")
    await append(Dispatched("P", 36.0, ["P/0"]))
    assert not await is_stale(80.0, 85.0)
    assert await is_stale(86.0, 91.0)
    await append(Settled("P", 92.0, [settled("P", ended_at=92.0), settled("P/0", ended_at=92.0)]))
    assert not await is_stale(92.0, 97.0, "director")
    assert await is_stale(93.0, 98.0, "director")


def other_transaction(connection):
    from warren.ledger.transaction import Transaction

    return Transaction(connection)


def sweep(transaction, limit):
    unsent = stale(limit=limit)(transaction)
    return unsent, [each.id for each in outbox.stale_unreported(transaction, 50.0, 50.0, limit)]


async def test_an_outcome_is_unreported_until_somebody_upward_has_heard_it(
    ledger, append, accepted, assigned, task, settled
):
    await append(accepted("P"), accepted("Q"), assigned("P/0"), Planned("P", 11.0, [task("P/1")], []))
    ended = [settled("P", ended_at=30.0), settled("P/0", "failed", ended_at=20.0), settled("P/1", ended_at=20.0)]
    await append(Settled("P", 30.0, ended))

    def unreported(before):
        return ledger.transact(
            lambda transaction: [
                (each.id, each.kind) for each in outbox.stale_unreported(transaction, before, before, LIMIT)
            ]
        )

    assert await unreported(50.0) == [("P/0", "assignment"), ("P", "project")]
    assert await unreported(25.0) == [("P/0", "assignment")]
    await append(Reported("P/0", 31.0, ["P/0"]))
    assert await unreported(50.0) == [("P", "project")]


async def test_what_is_open_past_its_deadline_is_overdue_parents_first(ledger, append, accepted, assigned, task):
    await append(accepted("P", deadline_at=40.0), accepted("Q"), assigned("P/0", deadline_at=40.0))
    await append(
        Planned("P/0", 11.0, [task("P/0/0", deadline_at=30.0), task("P/0/1", deadline_at=60.0), task("P/0/2")], [])
    )

    def overdue(now, limit=LIMIT):
        return ledger.read(
            lambda transaction: [(each.id, each.owner) for each in outbox.overdue(transaction, now, limit)]
        )

    assert await overdue(50.0) == [("P", None), ("P/0", "P"), ("P/0/0", "P")]
    assert await overdue(35.0) == [("P/0/0", "P")]
    assert await overdue(50.0, limit=1) == [("P/0/0", "P")]
    await append(Stopped("P/0", 41.0, "expired", "{}"))
    assert await overdue(50.0) == [("P", None), ("P/0", "P")]


@pytest.mark.parametrize("ledger_url", [pytest.param("sqlite")], indirect=True)
async def test_a_sweep_never_reads_the_whole_table(ledger):
    """Sweepers come twice a second; what has ended long ago must not cost them anything."""

    def plans_of(transaction):
        seen = []
        sqlalchemy_event.listen(
            transaction.connection, "before_cursor_execute", lambda *facts: seen.append((facts[2], facts[3]))
        )
        stale()(transaction)
        outbox.stale_unreported(transaction, 50.0, 50.0, LIMIT)
        outbox.overdue(transaction, 50.0, LIMIT)
        outbox.is_anything_stale(transaction, 50.0, 50.0, "director")
        transaction.count_open_projects()
        explain = "EXPLAIN QUERY PLAN "
        return [
            transaction.connection.exec_driver_sql(explain + statement, parameters).first()[3]
            for statement, parameters in list(seen)
        ]

    for step, index in zip(
        await ledger.transact(plans_of),
        (*STALE_INDEXES, *STALE_INDEXES, "tasks_projects"),
        strict=True,
    ):
        assert f"INDEX {index}" in step
