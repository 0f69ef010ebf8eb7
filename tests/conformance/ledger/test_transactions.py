"""What a transaction promises: all or nothing, locks on owners, reads in order."""

import asyncio
import threading
import tracemalloc
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from warren.errors import InvalidInput, LedgerUnavailable, MessageTooLarge
from warren.ledger.event import Dispatched, NodesChanged, Planned, Reported, Settled, Started, Stopped
from warren.ledger.ledger import open_ledger
from warren.ledger.schema import events, nodes, plans, tasks
from warren.ledger.transaction import Transaction
from warren.ledger.work import carry_out
from warren.messages.codec import from_json, to_json

PATIENCE_S = 20
AWKWARD = [
    {"text": "Grüße, 世界 🐇"},
    {"nul": "\u0000 in the middle"},
    {"quote": "'; DROP TABLE tasks; -- \" \\ \\u0000 \n\t"},
    {"nested": {"deep": [[[[{"a": None, "b": True, "c": -0.0, "d": 1e308, "e": 2**53}]]]]}},
    {"key \u2028 with separators": "\u2029\ufeff\U0010ffff"},
]


async def test_what_a_transaction_appends_is_there_afterwards(ledger, append, accepted, rows):
    await append(accepted("P"))
    assert (await rows(tasks))["P"]["status"] == "open"
    assert (await rows(plans))["P"]["playbook"] == "survey"
    assert [row["type"] for row in (await rows(events)).values()] == ["project.accepted"]


async def test_a_transaction_that_fails_writes_nothing(ledger, append, accepted, task, rows):
    await append(accepted("P"))

    def work(transaction):
        transaction.append(Planned("P", 11.0, [task("P/0")], []))
        transaction.flush()
        assert transaction.task_states(["P/0"])
        transaction.append(Started("P", 11.0))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ledger.transact(work)
    assert list(await rows(tasks)) == ["P"]
    assert len(await rows(events)) == 1


async def test_the_ledger_works_on_after_a_transaction_that_failed(ledger, append, accepted, rows):
    await append(accepted("P"))
    with pytest.raises(KeyError):
        await ledger.transact(lambda transaction: transaction.plan_and_input("nobody"))
    await append(accepted("Q"))
    assert sorted(await rows(tasks)) == ["P", "Q"]


async def test_a_reading_transaction_refuses_to_write(ledger, accepted, rows):
    with pytest.raises(AssertionError):
        await ledger.read(lambda transaction: transaction.append(accepted("P")))
    assert await rows(tasks) == {}


async def test_each_event_does_to_its_rows_what_it_says(ledger, append, accepted, task, settled, node, rows):
    await append(
        accepted("P"),
        Started("P", 11.0),
        Planned("P", 12.0, [task("P/0/0"), task("P/0/1")], []),
        NodesChanged("P", 12.0, [node("P/0", state='{"next":2}')]),
        Dispatched("P", 13.0, ["P/0/0"]),
        Settled("P", 14.0, [settled("P/0/0", attempt=2), settled("P/0/1", "failed")]),
        NodesChanged("P", 14.0, [node("P/0", status="failed", error="{}")]),
        Settled("P", 14.0, [settled("P", "failed")]),
        Reported("P", 15.0, ["P"]),
    )
    found = await rows(tasks)
    assert found["P"]["started_at"] == 11.0
    assert found["P"]["reported_at"] == 15.0
    assert found["P/0/0"]["dispatched_at"] == 13.0
    assert found["P/0/1"]["dispatched_at"] is None
    assert (found["P/0/0"]["status"], found["P/0/0"]["attempt"], found["P/0/0"]["output"]) == ("succeeded", 2, "{}")
    assert (found["P/0/1"]["status"], found["P/0/1"]["output"]) == ("failed", None)
    assert [(row["status"], row["state"]) for row in (await rows(nodes)).values()] == [("failed", "{}")]


async def test_locking_gives_the_owners_that_exist_with_their_plans(ledger, append, accepted, assigned):
    await append(accepted("P"), assigned("P/0"))
    found = await ledger.transact(lambda transaction: transaction.lock(["P/0", "P", "Q", "P"]))
    assert {owner.id: (owner.kind, owner.report_to) for owner in found.values()} == {
        "P": ("project", "director"),
        "P/0": ("assignment", "director"),
    }
    assert await ledger.transact(lambda transaction: transaction.lock([])) == {}


async def test_a_subtree_is_locked_without_its_siblings(ledger, append, accepted, assigned):
    await append(accepted("P"), *(assigned(f"P/{key}") for key in ("1", "10", "1x", "1/0", "1/0/1", "2", "1-")))
    found = await ledger.transact(lambda transaction: transaction.lock_subtree("P/1"))
    assert sorted(owner.id for owner in found) == ["P/1", "P/1/0", "P/1/0/1"]


async def test_who_locks_an_owner_keeps_others_out_until_the_end(ledger_url, ledger, append, accepted, monkeypatch):
    await append(accepted("P"))
    monkeypatch.setattr("warren.ledger.sqlite.BUSY_TIMEOUT_S", 0.05)
    async with open_ledger(ledger_url) as other:
        async with holding(ledger, "P"):
            with pytest.raises(LedgerUnavailable):
                await other.transact(locked_at_once)
        assert await other.transact(locked_at_once) == ["P"]


async def test_readers_do_not_wait_for_a_lock(ledger_url, ledger, append, accepted):
    await append(accepted("P"))
    async with open_ledger(ledger_url) as other, holding(ledger, "P"):
        assert await other.read(lambda transaction: list(transaction.task_states(["P"]))) == ["P"]


def locked_at_once(transaction):
    """Locks P, or gives up soon on PostgreSQL, as the shortened busy time does on SQLite."""
    if transaction.connection.dialect.name == "postgresql":
        transaction.connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
    return list(transaction.lock(["P"]))


@asynccontextmanager
async def holding(ledger, owner):
    """A transaction that has locked the owner and stays open."""
    engine = ledger._engine
    if isinstance(engine, AsyncEngine):
        async with engine.begin() as connection:
            assert owner in await connection.run_sync(lambda sync: Transaction(sync).lock([owner]))
            yield connection
    else:
        with engine.begin() as connection:
            assert owner in Transaction(connection).lock([owner])
            yield connection


async def someone_waits(ledger):
    """Whether PostgreSQL says that a session waits for another one's lock."""
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return await ledger.read(lambda transaction: transaction.connection.execute(query).scalar()) > 0


@pytest.mark.parametrize("ledger_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_transactions_on_different_owners_run_at_the_same_time(ledger_url, ledger, append, accepted):
    await append(accepted("P"), accepted("Q"))
    async with open_ledger(ledger_url) as other, holding(ledger, "P"):
        assert list(await other.transact(lambda transaction: transaction.lock(["Q"]))) == ["Q"]


@pytest.mark.parametrize("ledger_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_coordinators_that_confirm_what_the_other_one_settles_do_not_block_each_other(
    ledger, append, accepted, task, settled
):
    await append(
        accepted("P"),
        accepted("Q"),
        Planned("P", 11.0, [task(f"P/{key}") for key in range(20)], []),
        Planned("Q", 11.0, [task(f"Q/{key}") for key in range(20)], []),
    )

    def confirm_one_settle_other(one, other):
        def work(transaction):
            transaction.append(Dispatched(one, 12.0, [f"{one}/{key}" for key in range(20)]))
            transaction.lock([other])
            transaction.append(Settled(other, 12.0, [settled(f"{other}/{key}") for key in reversed(range(20))]))

        return work

    for _ in range(20):
        await asyncio.gather(
            ledger.transact(confirm_one_settle_other("P", "Q")), ledger.transact(confirm_one_settle_other("Q", "P"))
        )


@pytest.mark.parametrize("ledger_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_a_stop_waits_for_what_is_being_planned_below_it(
    ledger, append, accepted, assigned, task, rows, wait_until
):
    await append(accepted("P"), assigned("P/0"))
    planned = Planned("P/0", 11.0, [task("P/0/0", owner="P/0")], [])
    async with asyncio.TaskGroup() as group, holding(ledger, "P/0") as connection:
        group.create_task(append(Stopped("P", 12.0, "cancelled", "{}")))
        await wait_until(lambda: someone_waits(ledger), timeout_s=PATIENCE_S)
        await connection.run_sync(lambda sync: carry_out(sync, lambda transaction: transaction.append(planned)))
    assert (await rows(tasks))["P/0/0"]["status"] == "cancelled"
    assert [row["type"] for row in (await rows(events)).values()][-2:] == ["tasks.planned", "subtree.stopped"]


async def test_ten_thousand_outputs_come_in_the_order_of_their_positions(ledger, append, accepted, task, settled):
    count = 10_000
    ids = [f"P/0/{position}" for position in range(count)]
    await append(accepted("P"), Planned("P", 11.0, [task(each) for each in reversed(ids)], []))
    await append(Settled("P", 12.0, [settled(each, output=f'{{"n":{n}}}') for n, each in enumerate(ids)]))
    found = await ledger.read(lambda transaction: list(transaction.output_texts("P/0")))
    assert found == [(each, f'{{"n":{position}}}') for position, each in enumerate(ids)]


async def test_outputs_are_those_of_direct_children_that_succeeded(ledger, append, accepted, task, settled, node):
    siblings = ["P/1/0", "P/1/1", "P/1/2", "P/10/0", "P/1x/0", "P/1/0/0", "P/11", "P/1-/0"]
    await append(
        accepted("P"),
        Planned("P", 11.0, [task(each) for each in siblings], []),
        Settled("P", 12.0, [settled(each, output=to_json({"id": each})) for each in siblings if each != "P/1/1"]),
        Settled("P", 12.0, [settled("P/1/1", "failed")]),
        NodesChanged("P", 12.0, [node("P/1/3", status="succeeded", output='{"id":"P/1/3"}'), node("P/10/4")]),
    )
    found = await ledger.read(lambda transaction: dict(transaction.output_texts("P/1")))
    assert found == {each: to_json({"id": each}) for each in ("P/1/0", "P/1/2", "P/1/3")}


async def test_an_output_is_found_whether_a_task_or_a_node_made_it(ledger, append, accepted, task, settled, node):
    await append(
        accepted("P"),
        Planned("P", 11.0, [task("P/0/0")], []),
        Settled("P", 12.0, [settled("P/0/0", output='{"by":"task"}')]),
        NodesChanged("P", 12.0, [node("P/1", status="succeeded", output='{"by":"node"}'), node("P/2")]),
    )
    assert await ledger.read(lambda t: (t.output_text("P/0/0"), t.output_text("P/1"))) == (
        '{"by":"task"}',
        '{"by":"node"}',
    )
    for unknown in ("P/2", "P/9"):
        with pytest.raises(KeyError):
            await ledger.read(lambda transaction, child=unknown: transaction.output_text(child))


@pytest.mark.parametrize("value", AWKWARD, ids=lambda value: next(iter(value)).split()[0])
async def test_json_comes_back_as_it_went_in(ledger, append, accepted, task, settled, value):
    await append(accepted("P", input=to_json(value)), Planned("P", 11.0, [task("P/0")], []))
    await append(Settled("P", 12.0, [settled("P/0", output=to_json(value))]))
    assert await ledger.read(lambda t: (from_json(t.plan_and_input("P")[1]), from_json(t.output_text("P/0")))) == (
        value,
        value,
    )


async def test_an_output_of_many_megabytes_comes_back_whole(ledger, append, accepted, task, settled):
    value = {"text": "Grüße 🐇 " * 1_000_000}
    await append(accepted("P"), Planned("P", 11.0, [task("P/0")], []))
    await append(Settled("P", 12.0, [settled("P/0", output=to_json(value))]))
    assert await ledger.read(lambda transaction: transaction.output_text("P/0")) == to_json(value)


@pytest.mark.parametrize("ended", [0, 10_100], ids=["few", "many"])
async def test_a_stop_ends_what_is_open_below_and_nothing_beside(append, accepted, task, settled, node, rows, ended):
    """The many that have ended are not walked through: what is open is looked up then."""
    items = [f"P/1/2/{number}" for number in range(ended)]
    below = ["P/1/0", "P/1/0/5", "P/1/9"]
    beside = ["P/1", "P/10", "P/10/0", "P/1x/0", "P/1-/0", "P/2/1", "P/0"]
    await append(
        accepted("P"),
        Planned("P", 11.0, [task(each) for each in [*below, *beside, *items]], []),
        Settled("P", 11.5, [settled(each) for each in ["P/1/9", *items]]),
        NodesChanged("P", 11.5, [node("P/1/3"), node("P/1/4", status="succeeded"), node("P/10/3")]),
        Stopped("P/1", 13.0, "cancelled", '{"code":"cancelled"}'),
    )
    found = await rows(tasks)
    assert {each for each in found if found[each]["status"] == "cancelled"} == {"P/1/0", "P/1/0/5"}
    assert found["P/1/0"]["ended_at"] == 13.0
    assert found["P/1/9"]["status"] == "succeeded"
    assert {path: row["status"] for path, row in (await rows(nodes)).items()} == {
        "P/1/3": "cancelled",
        "P/1/4": "succeeded",
        "P/10/3": "open",
    }


async def test_many_states_are_read_at_once(ledger, append, accepted, task, node):
    ids = [f"P/0/{position}" for position in range(3000)]
    await append(accepted("P"), Planned("P", 11.0, [task(each) for each in ids], []))
    await append(NodesChanged("P", 11.0, [node(f"P/{n}", state=f'{{"at":{n}}}') for n in range(3)]))
    found = await ledger.read(lambda transaction: transaction.task_states([*ids, "P/1/1"]))
    assert sorted(found) == sorted(ids)
    assert found["P/0/7"].status == "open"
    states = await ledger.read(lambda transaction: transaction.node_states(["P/2", "P/1", "P/77"]))
    assert {path: state.state for path, state in states.items()} == {"P/1": {"at": 1}, "P/2": {"at": 2}}


async def test_open_projects_are_counted(ledger, append, accepted, settled):
    await append(accepted("P"), accepted("Q"), accepted("R"), Settled("R", 12.0, [settled("R")]))
    assert await ledger.read(lambda transaction: transaction.count_open_projects()) == 2


async def test_a_number_out_of_range_is_refused_and_nothing_is_written(ledger, append, accepted, settled, rows):
    await append(accepted("P"))
    with pytest.raises(InvalidInput) as refused:
        await append(Settled("P", 12.0, [settled("P", attempt=2**70)]))
    assert refused.value.code == "not_storable"
    assert str(2**70) not in str(refused.value)
    assert (await rows(tasks))["P"]["status"] == "open"


async def test_of_many_large_outputs_only_some_are_in_memory_at_once(ledger, append, accepted, task, settled):
    x_text, count = "x" * 1_000_000, 40
    ids = [f"P/0/{n}" for n in range(count)]
    await append(accepted("P"), Planned("P", 11.0, [task(each) for each in ids], []))
    for each in ids:
        await append(Settled("P", 12.0, [settled(each, output=to_json({"t": x_text}))]))

    def read(transaction):
        tracemalloc.start()
        try:
            lengths = [len(from_json(text)["t"]) for _, text in transaction.output_texts("P/0", None)]
            return lengths, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    lengths, peak_bytes = await ledger.read(read)
    assert lengths == [len(x_text)] * count
    assert peak_bytes < count * len(x_text) / 2

    with pytest.raises(MessageTooLarge):
        await ledger.read(lambda transaction: next(transaction.output_texts("P/0", 8 * len(x_text))))


async def test_who_only_reads_does_not_wait_for_who_writes(ledger, append, accepted):
    await append(accepted("P"))
    begun, read = threading.Event(), threading.Event()

    def write(transaction):
        transaction.append(Started("P", 11.0))
        transaction.flush()
        begun.set()
        return read.wait(PATIENCE_S)

    def look(transaction):
        return transaction.connection.execute(tasks.select()).one().started_at

    if ledger.__class__.__name__ == "PostgresLedger":
        pytest.skip("its work runs on the loop, and it waits for nobody there")
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(ledger.transact(write))
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        assert await ledger.read(look) is None
        read.set()
    assert writing.result()
    assert await ledger.read(look) == 11.0
