"""Opening a ledger: its schema is made, once, by whoever comes first; what cannot be opened is said in words."""

import asyncio
import re
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from warren.errors import InvalidInput, LedgerUnavailable
from warren.ledger.ledger import open_ledger, sqlite_url
from warren.ledger.migration import HEAD, revision
from warren.ledger.schema import metadata

SECRET = "geheim"
OPEN = """
import asyncio, sys
from warren.ledger.ledger import open_ledger

async def main():
    async with open_ledger(sys.argv[1]):
        pass

sys.stdin.readline()
asyncio.run(main())
"""


async def test_the_migrations_make_what_the_code_expects(ledger):
    def differences(transaction):
        return compare_metadata(MigrationContext.configure(transaction.connection), metadata)

    assert await ledger.transact(differences) == []


async def test_the_indexes_are_partial_as_the_code_expects(ledger, is_postgres):
    """Alembic does not compare the conditions of indexes."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    if is_postgres:
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
    found = await ledger.read(lambda transaction: list(transaction.connection.exec_driver_sql(query)))
    made = {index: condition(sql) for index, sql in found if " WHERE " in sql}
    dialect = "postgresql" if is_postgres else "sqlite"
    indexes = [index for table in metadata.tables.values() for index in table.indexes]
    wanted = {index.name: index.dialect_options[dialect]["where"] for index in indexes}
    assert made == {name: condition(f" WHERE {where}") for name, where in wanted.items() if where is not None}
    assert len(made) >= 5


def condition(sql):
    """What comes after WHERE, without what PostgreSQL adds to it."""
    return re.sub(r"[()]|::text", "", sql.partition("WHERE")[2]).strip()


async def test_opening_again_changes_nothing(ledger_url):
    for _ in range(2):
        async with open_ledger(ledger_url) as ledger:
            assert await ledger.read(lambda transaction: revision(transaction.connection)) == HEAD


async def test_many_processes_may_open_a_new_ledger_at_once(ledger_url):
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", OPEN, ledger_url, stdin=pipe, stderr=pipe)
        for _ in range(5)
    ]
    async with asyncio.timeout(60):
        complaints = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [(process.returncode, said[1]) for process, said in zip(processes, complaints, strict=True)] == [
        (0, b"")
    ] * 5
    async with open_ledger(ledger_url) as ledger:
        assert await ledger.read(lambda transaction: revision(transaction.connection)) == HEAD


async def test_the_folder_of_a_file_is_made(tmp_path, accepted):
    url = f"sqlite:///{tmp_path / 'not' / 'yet' / 'ledger.sqlite3'}"
    async with open_ledger(url) as ledger:
        await ledger.transact(lambda transaction: transaction.append(accepted("P")))
    async with open_ledger(url) as ledger:
        assert await ledger.read(lambda transaction: list(transaction.task_states(["P"]))) == ["P"]


async def test_a_ledger_in_the_memory_of_a_simulation_works_like_one_in_a_file(accepted):
    async with open_ledger("sqlite://", inline=True) as ledger:
        await ledger.transact(lambda transaction: transaction.append(accepted("P")))
        assert await ledger.read(lambda transaction: list(transaction.task_states(["P"]))) == ["P"]


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://me:{SECRET}@localhost/x",
        f"{SECRET}",
        "",
        f"postgresql://me:{SECRET}@localhost:port/x",
        f"postgresql://me:{SECRET}@127.0.0.1:1/x?colour=red",
    ],
)
async def test_a_url_that_cannot_work_is_refused_without_its_password(url):
    with pytest.raises(InvalidInput) as refused:
        async with open_ledger(url):
            pass
    assert refused.value.code == "ledger_url"
    assert SECRET not in str(refused.value) or url == SECRET


async def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"these are not the pages of a database\n" * 200)
    with pytest.raises(InvalidInput, match="not a database"):
        async with open_ledger(f"sqlite:///{path}"):
            pass
    assert path.read_bytes().startswith(b"these are not")


async def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be used"):
        async with open_ledger(f"sqlite:///{tmp_path}"):
            pass


async def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match=str(tmp_path / "file")):
        async with open_ledger(f"sqlite:///{tmp_path / 'file' / 'ledger.sqlite3'}"):
            pass


async def test_a_server_that_is_not_there_may_come_later(unused_tcp_port):
    with pytest.raises(LedgerUnavailable) as absent:
        async with open_ledger(f"postgresql://me:{SECRET}@127.0.0.1:{unused_tcp_port}/x"):
            pass
    assert SECRET not in str(absent.value)


@pytest.mark.postgres
@pytest.mark.parametrize("change", ["password", "database"])
async def test_a_wrong_password_and_a_missing_database_are_refused(postgres_database_url, change):
    head, _, database = postgres_database_url.rpartition("/")
    user, _, host = head.rpartition("@")
    urls = {"password": f"{user[:-3]}{SECRET}@{host}/{database}", "database": f"{head}/nowhere"}
    with pytest.raises(InvalidInput, match="cannot be used") as refused:
        async with open_ledger(urls[change]):
            pass
    assert SECRET not in str(refused.value)


@pytest.mark.postgres
async def test_the_choice_of_tls_may_be_written_as_everybody_does(postgres_database_url):
    async with open_ledger(f"{postgres_database_url}?sslmode=disable") as ledger:
        assert await ledger.read(lambda transaction: transaction.count_open_projects()) == 0


async def test_a_ledger_may_lie_in_a_folder_of_any_name(tmp_path):
    file = tmp_path / "what? 100% #1 ünd" / "ledger.sqlite3"
    async with open_ledger(sqlite_url(file)) as ledger:
        assert await ledger.read(lambda transaction: transaction.count_open_projects()) == 0
    assert file.is_file()
