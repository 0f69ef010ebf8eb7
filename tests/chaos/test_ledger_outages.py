"""The ledger's database goes away, hangs, or its disk is full: processes stay, say so, and go on."""

import os
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from warren.errors import LedgerUnavailable
from warren.testing.cable import Cable
from warren.testing.services.postgres import PrivatePostgres, find_binaries

pytestmark = [pytest.mark.chaos, pytest.mark.broker, pytest.mark.timeout(240)]
TASKS = 400
COORDINATORS = ("director", "lead crew")


@pytest.fixture
def postgres():
    """A cluster that may be killed, and keeps what it has committed."""
    try:
        find_binaries()
    except LedgerUnavailable as error:
        pytest.skip(str(error))
    # not in pytest's folder, which another user cannot reach: where the tests run as root, PostgreSQL does not
    with tempfile.TemporaryDirectory(prefix="warren-chaos-") as folder, PrivatePostgres(Path(folder)) as cluster:
        yield cluster


@pytest.mark.postgres
async def test_a_database_that_is_killed_or_restarted_is_waited_for(settle_in, amqp_vhost_url, postgres):
    async with settle_in(amqp_vhost_url, ledger_url=postgres.url) as house:
        pids = house.cluster.pids
        handle = await house.begin(TASKS, ms=10)
        for share, end in enumerate((postgres.kill, postgres.stop)):
            await house.done(handle, 100 * (share + 1))
            end()
            await house.all_say("does not answer", *COORDINATORS)
            postgres.start()
        await house.end(handle, TASKS)
        assert house.cluster.pids == pids


@pytest.mark.endurance
@pytest.mark.postgres
async def test_a_database_that_hangs_is_given_up_and_asked_again(settle_in, amqp_vhost_url, postgres_database_url):
    async with (
        Cable(postgres_database_url) as cable,
        settle_in(amqp_vhost_url, ledger_url=f"{cable.url}?command_timeout=3") as house,
    ):
        pids = house.cluster.pids
        handle = await house.begin(TASKS, ms=10)
        await house.done(handle, 100)
        cable.stall()
        await house.all_say("does not answer: no answer in time", *COORDINATORS)
        cable.cut()
        cable.resume()
        await house.end(handle, TASKS)
        assert house.cluster.pids == pids


@contextmanager
def small_disk(folder):
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "warren-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk to fill")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_is_waited_for(settle_in, amqp_vhost_url, tmp_path):
    tasks = 1_500
    with small_disk(tmp_path / "disk") as disk:
        async with settle_in(amqp_vhost_url, ledger_url=f"sqlite:///{disk / 'ledger.sqlite3'}") as house:
            pids = house.cluster.pids
            handle = await house.begin(tasks, ms=20, padding="x" * 3_900)
            await house.done(handle, 100)
            fill(disk / "ballast")
            await house.says("lead crew", "does not answer: database or disk is full")
            (disk / "ballast").unlink()
            await house.end(handle, tasks)
            assert house.cluster.pids == pids


def fill(file):
    with file.open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(bytes(4096))
