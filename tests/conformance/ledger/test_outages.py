"""What goes wrong with a database is an outage that passes or a value that cannot be stored; secrets stay secret."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from warren.errors import InvalidInput, LedgerUnavailable
from warren.ledger.event import Planned, Settled
from warren.ledger.ledger import open_ledger
from warren.ledger.schema import tasks
from warren.testing.cable import Cable

SECRET = "geheim"
ON_POSTGRES = pytest.mark.parametrize(
    "ledger_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
ON_SQLITE = pytest.mark.parametrize("ledger_url", [pytest.param("sqlite")], indirect=True)


@ON_SQLITE
async def test_a_full_disk_is_an_outage_that_leaves_nothing_behind(ledger, append, accepted, task, rows):
    await append(accepted("P"))

    def fill(transaction):
        transaction.connection.exec_driver_sql("PRAGMA max_page_count=1")  # no more than it has by now
        transaction.append(Planned("P", 11.0, [task(f"P/{n}", input="x" * 4000) for n in range(2000)], []))

    with pytest.raises(LedgerUnavailable, match="full"):
        await ledger.transact(fill)
    await ledger.read(lambda t: t.connection.exec_driver_sql("PRAGMA max_page_count=1000000") and None)
    await append(Planned("P", 11.0, [task("P/0")], []))
    assert sorted(await rows(tasks)) == ["P", "P/0"]


@ON_POSTGRES
async def test_a_lost_connection_is_an_outage_and_the_next_transaction_gets_a_new_one(
    ledger, append, accepted, postgres_url, rows
):
    await append(accepted("P"))

    def die(transaction):
        transaction.append(accepted("Q"))
        transaction.flush()
        transaction.connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(LedgerUnavailable):
        await ledger.transact(die)
    assert list(await rows(tasks)) == ["P"]


@ON_POSTGRES
async def test_a_connection_that_went_while_nobody_used_it_is_one_outage_at_most(ledger, append, accepted, rows):
    await append(accepted("P"))
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with pytest.raises(LedgerUnavailable):
        await ledger.transact(lambda transaction: transaction.connection.execute(text(others)) and None)
    with suppress(LedgerUnavailable):
        await append(accepted("Q"))
    await append(accepted("R"))
    assert {"P", "R"} <= set(await rows(tasks))


async def test_a_connection_that_hangs_is_an_outage_when_no_answer_came_in_time(postgres_database_url):
    async with Cable(postgres_database_url) as cable, open_ledger(f"{cable.url}?command_timeout=0.5") as ledger:
        cable.stall()
        async with asyncio.timeout(30):
            with pytest.raises(LedgerUnavailable, match="no answer in time"):
                await ledger.transact(lambda transaction: transaction.count_open_projects())
        cable.cut()
        cable.resume()
        assert await ledger.transact(lambda transaction: transaction.count_open_projects()) == 0


@pytest.mark.parametrize("limit", ["0", "-1", "nan", "inf", "soon"])
def test_a_limit_that_is_no_number_of_seconds_is_refused(limit):
    with pytest.raises(InvalidInput, match="command_timeout is a number of seconds above 0"):
        open_ledger(f"postgresql://host/ledger?command_timeout={limit}")


@ON_POSTGRES
async def test_a_deadlock_is_an_outage_for_one_and_none_for_the_other(ledger, append, accepted):
    await append(accepted("P"), accepted("Q"))
    both = asyncio.Barrier(2)

    async def crossed(first, second):
        async with ledger._engine.begin() as connection:
            await connection.run_sync(lock, first)
            await both.wait()
            await connection.run_sync(lock, second)

    ends = await asyncio.gather(explained(crossed("P", "Q")), explained(crossed("Q", "P")), return_exceptions=True)
    assert sorted(type(end) for end in ends if end is not None) == [LedgerUnavailable]


def lock(connection, owner):
    connection.execute(tasks.select().where(tasks.c.id == owner).with_for_update())


async def explained(work):
    from warren.ledger.outage import postgres_explained

    with postgres_explained("at db:5432/w"):
        await work


@ON_POSTGRES
async def test_the_second_of_two_that_write_the_same_new_row_may_try_again(ledger, append, accepted):
    await append(accepted("P"))
    with pytest.raises(LedgerUnavailable):
        await append(accepted("P"))


@ON_POSTGRES
async def test_a_text_with_nul_outside_of_json_is_refused_as_a_value(ledger, append, accepted, settled):
    await append(accepted("P"))
    with pytest.raises(InvalidInput) as refused:
        await append(Settled("P", 12.0, [settled("P", agent=f"{SECRET}\x00")]))
    assert refused.value.code == "not_storable"
    assert SECRET not in str(refused.value)


async def test_a_mistake_in_our_own_statements_is_raised_as_it_is_without_parameters(ledger):
    with pytest.raises(DBAPIError) as mistake:
        await ledger.transact(
            lambda transaction: transaction.connection.execute(text("SELECT :a FROM nowhere"), {"a": SECRET})
        )
    assert SECRET not in str(mistake.value)
