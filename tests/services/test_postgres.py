import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from warren.errors import LedgerUnavailable
from warren.testing.services import postgres
from warren.testing.services.postgres import PrivatePostgres


@pytest.fixture
def folder():
    """Reachable for the user that PostgreSQL runs as, which pytest's own temporary folders are not for root."""
    with tempfile.TemporaryDirectory(prefix="warren-test-") as name:
        yield Path(name)


@pytest.fixture
def binaries():
    try:
        return postgres.find_binaries()
    except LedgerUnavailable as error:
        pytest.skip(str(error))


async def value(url, statement):
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_a_cluster_keeps_its_data_and_its_password_from_one_start_to_the_next(folder, binaries):
    with PrivatePostgres(folder) as cluster:
        await value(cluster.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        first = urlsplit(cluster.url)
    with PrivatePostgres(folder) as cluster:
        assert await value(cluster.url, "SELECT answer FROM kept") == 42
        assert urlsplit(cluster.url).password == first.password


async def test_only_a_fast_cluster_does_without_fsync(folder, binaries):
    with PrivatePostgres(folder) as cluster:
        assert await value(cluster.url, "SHOW fsync") == "on"
    with PrivatePostgres(folder, fast=True) as cluster:
        assert await value(cluster.url, "SHOW fsync") == "off"


async def test_nobody_gets_in_without_the_password(folder, binaries):
    with PrivatePostgres(folder, fast=True) as cluster:
        parts = urlsplit(cluster.url)
        for password in ("", "wrong"):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(host="127.0.0.1", port=parts.port, user="warren", password=password)


async def test_a_killed_cluster_comes_back_with_what_was_committed(folder, binaries):
    with PrivatePostgres(folder) as cluster:
        await value(cluster.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        cluster.kill()
        cluster.start()
        assert await value(cluster.url, "SELECT answer FROM kept") == 42


def test_a_second_stop_does_nothing(folder, binaries):
    with PrivatePostgres(folder, fast=True) as cluster:
        cluster.stop()
        cluster.stop()
        with pytest.raises(LedgerUnavailable, match="not running"):
            _ = cluster.pid


def test_a_cluster_that_cannot_start_says_why_and_leaves_no_process(folder, binaries):
    with PrivatePostgres(folder, fast=True):
        pass
    (folder / "cluster" / "postgresql.conf").write_text("no_such_setting = 1\n")
    cluster = PrivatePostgres(folder, fast=True)
    with pytest.raises(LedgerUnavailable, match="no_such_setting"):
        cluster.start()
    with pytest.raises(LedgerUnavailable, match="not running"):
        _ = cluster.pid


def test_a_data_folder_that_cannot_be_made_is_named(folder, binaries):
    (folder / "cluster").mkdir()
    (folder / "cluster" / "something").touch()
    with pytest.raises(LedgerUnavailable, match="not empty"):
        PrivatePostgres(folder).start()


@pytest.fixture
def cluster_of_another(folder, binaries):
    """Another process, which holds a cluster, and the cluster's pid."""
    script = (
        "import sys, pathlib\n"
        "from warren.testing.services.postgres import PrivatePostgres\n"
        "with PrivatePostgres(pathlib.Path(sys.argv[1]), fast=True) as cluster:\n"
        "    print(cluster.pid, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        yield owner, int(owner.stdout.readline())
        owner.kill()


async def test_a_cluster_ends_when_its_owner_is_killed(cluster_of_another, wait_until):
    owner, pid = cluster_of_another
    assert is_running(pid)
    owner.kill()
    await wait_until(lambda: not is_running(pid))


def is_running(pid):
    """A zombie counts as gone: whoever adopted it has not asked for its exit code yet."""
    status = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False).stdout
    return status.strip() != b"" and not status.startswith(b"Z")


def test_a_machine_without_postgresql_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(postgres, "PLACES", ())
    monkeypatch.setitem(os.environ, "PATH", "")
    with pytest.raises(LedgerUnavailable, match="apt-get install postgresql"):
        postgres.find_binaries()
