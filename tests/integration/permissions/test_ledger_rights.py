"""The ledger's two users: one owns the tables, the other writes their rows. By the file that operators run."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from warren.client import Client
from warren.errors import InvalidInput
from warren.ledger.ledger import open_ledger

SCRIPT = Path(__file__).parents[3] / "k8s" / "ledger-roles.sql"
ANSWER_S = 90


def as_user(url, user):
    parts = urlsplit(url.replace("+asyncpg", ""))
    return parts._replace(netloc=f"{user}:{user}-pw@{parts.hostname}:{parts.port}").geturl()


@pytest.fixture
async def ledger_urls(postgres_database_url):
    """(the owner's, the other's) after the script; the tables are not there yet."""
    if shutil.which("psql") is None:
        reason = "psql is missing: apt-get install postgresql-client"
        pytest.fail(reason, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(reason)
    token = uuid4().hex[:12]
    owner, other = f"owner_{token}", f"other_{token}"
    plain = postgres_database_url.replace("+asyncpg", "")
    connection = await asyncpg.connect(plain)
    for user in (owner, other):
        await connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{user}-pw'")
    for _ in range(2):  # it may run again
        words = ["--set", f"owner={owner}", "--set", f"reader_writer={other}", "--set", "ON_ERROR_STOP=1"]
        psql = await asyncio.create_subprocess_exec("psql", plain, *words, "--quiet", "--file", str(SCRIPT))
        assert await psql.wait() == 0
    yield as_user(plain, owner), as_user(plain, other)
    for user in (owner, other):
        await connection.execute(f"DROP OWNED BY {user} CASCADE")
        await connection.execute(f"DROP ROLE {user}")
    await connection.close()


async def test_only_the_owner_can_make_the_tables(ledger_urls):
    owner, other = ledger_urls
    with pytest.raises(InvalidInput, match="permission denied"):
        async with open_ledger(other):
            pass
    async with open_ledger(owner):
        pass
    async with open_ledger(other):
        pass


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (id int)",
        "DROP TABLE events",
        "ALTER TABLE tasks ADD COLUMN more int",
        "TRUNCATE events",
        "CREATE INDEX more ON tasks (id)",
        "CREATE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE more SUPERUSER",
        "COPY events TO '/tmp/events'",
        "SELECT * FROM pg_authid",
    ],
)
async def test_the_other_can_do_nothing_to_tables(ledger_urls, statement):
    owner, other = ledger_urls
    async with open_ledger(owner):
        pass
    connection = await asyncpg.connect(other)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_wait_of_a_coordinator_ends_when_the_owner_has_made_the_tables(ledger_urls, tmp_path):
    owner, other = ledger_urls
    command = [sys.executable, "-m", "warren.cli.wait", "--ledger", "--within"]

    def wait(within):
        environment = {**os.environ, "WARREN_LEDGER_URL": other}
        return subprocess.run(
            [*command, within], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    before = wait("0.1")
    assert before.returncode == 3, before.stderr
    assert "permission denied" in before.stderr
    assert "-pw" not in before.stderr
    async with open_ledger(owner):
        pass
    assert wait("20").returncode == 0


async def test_a_project_runs_with_a_ledger_that_its_coordinators_do_not_own(
    house, cluster_file, ledger_urls, start, tmp_path
):
    owner, other = ledger_urls
    async with open_ledger(owner):
        pass
    urls = {"director": (["director"], house.url("warren-director"))}
    for team in ("scouts", "analysts"):
        urls[f"lead-{team}"] = (["teamlead", "--team", team], house.url(f"warren-lead-{team}"))
        urls[f"worker-{team}"] = (["worker", "--team", team], house.url(f"warren-worker-{team}"))
    with start(tmp_path, cluster_file, other, urls) as processes:
        async with Client(house.url("acme"), answer_within_s=ANSWER_S) as client:
            output = await (await client.submit("whole", input={"words": ["one", "two"]})).result()
        assert output["total"] == 6
        assert all(process.poll() is None for process in processes.values())
    log = "".join(file.read_text() for file in tmp_path.glob("*.log"))
    assert "permission denied" not in log
    assert "-pw" not in log
