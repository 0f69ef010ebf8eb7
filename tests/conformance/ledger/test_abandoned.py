"""A coordinator whose machine vanishes holds nobody up for ever."""

import asyncio
import os
import signal
import sys

import pytest
from sqlalchemy.engine import make_url

from warren.ledger.ledger import open_ledger
from warren.ledger.postgres import PostgresLedger

HOLDER = """
import asyncio, sys, time
from sqlalchemy.engine import make_url
from warren.ledger.postgres import PostgresLedger

def work(transaction):
    assert transaction.lock(["P"])
    print("locked", flush=True)
    time.sleep(600)

async def main():
    async with PostgresLedger(make_url(sys.argv[1]), idle_s=2.0) as ledger:
        await ledger.transact(work)

asyncio.run(main())
"""


@pytest.mark.postgres
async def test_the_locks_of_a_process_that_stands_still_are_freed(postgres_database_url, accepted):
    url = make_url(postgres_database_url)
    async with asyncio.timeout(60), PostgresLedger(url) as ledger:
        await ledger.transact(lambda transaction: transaction.append(accepted("P")))
        holder = await asyncio.create_subprocess_exec(
            sys.executable, "-c", HOLDER, postgres_database_url, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert await holder.stdout.readline() == b"locked\n"
            os.kill(holder.pid, signal.SIGSTOP)
            assert await ledger.transact(lambda transaction: list(transaction.lock(["P"]))) == ["P"]
        finally:
            holder.kill()
            await holder.wait()


@pytest.mark.postgres
async def test_the_server_knows_how_long_to_wait_for_whom(postgres_database_url):
    names = ("lock_timeout", "idle_in_transaction_session_timeout", "tcp_keepalives_idle")

    def settings(transaction):
        return [transaction.connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]

    async with asyncio.timeout(60), open_ledger(postgres_database_url) as ledger:
        lock, idle, _ = await ledger.transact(settings)
    assert (lock, idle) == ("20s", "30s")
