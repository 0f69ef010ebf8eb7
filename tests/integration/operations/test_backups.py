"""docs/operations.md, "Backing up and restoring the ledger": a copy that was made while everything ran."""

import shutil
import sqlite3
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from warren.errors import ProjectFailed

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(240)]


class SqliteCopy:
    """What `.backup` of the sqlite3 program does."""

    def __init__(self, url, folder):
        self._file, self._copy = Path(url.removeprefix("sqlite:///")), folder / "copy.sqlite3"

    def make(self):
        source, target = sqlite3.connect(self._file), sqlite3.connect(self._copy)
        source.backup(target)
        source.close()
        target.close()

    def restore(self):
        for name in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + name).unlink(missing_ok=True)
        shutil.copy(self._copy, self._file)


class PostgresCopy:
    """pg_dump, and pg_restore over what is there."""

    def __init__(self, url, folder):
        self._url, self._copy = url, folder / "copy.dump"

    def make(self):
        subprocess.run(["pg_dump", "--format=custom", f"--file={self._copy}", self._url], check=True)

    def restore(self):
        subprocess.run(
            ["pg_restore", "--clean", "--if-exists", "--exit-on-error", f"--dbname={self._url}", self._copy], check=True
        )


async def test_a_cluster_goes_on_from_a_ledger_that_is_older_than_its_broker(deployment_by_ledger, tmp_path):
    deployment = deployment_by_ledger
    url = deployment.cluster.ledger_url
    kind = SqliteCopy if url.startswith("sqlite") else PostgresCopy
    copy = kind(url, tmp_path)
    finished = await deployment.submit(5)
    assert await finished.result() == {"count": 5}
    halfway = await deployment.submit(60)
    await deployment.until_done(halfway, 10)
    copy.make()
    later_id = str(uuid4())
    later = await deployment.submit(3, id=later_id)
    assert await later.result() == {"count": 3}
    assert await halfway.result() == {"count": 60}

    members = {name: member.command for name, member in deployment.cluster.members.items()}
    await deployment.stop(*members)
    copy.restore()
    await deployment.warren("ledger", "migrate")
    assert "rows are what the events make" in await deployment.warren("ledger", "rebuild")
    for name in ("lead crew", "director", "worker crew"):
        deployment.cluster.start(name, *members[name])
    await deployment.cluster.ready()

    assert (await deployment.client.project(finished.id).status()).status == "succeeded"
    assert "there is no project" in await deployment.warren("status", later_id, code=5)
    assert await (await deployment.submit(3, id=later_id)).result() == {"count": 3}

    again = deployment.client.project(halfway.id)
    assert (await again.status()).status == "open"
    await again.cancel("the ledger was restored")
    with pytest.raises(ProjectFailed):
        await again.result()
    assert await (await deployment.submit(60)).result() == {"count": 60}
