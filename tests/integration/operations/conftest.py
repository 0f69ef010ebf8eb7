"""A real cluster, its client, and the commands of docs/operations.md as a person types them."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from topology import names
from warren.broker.rabbit.broker import RabbitBroker
from warren.client import Client
from warren.testing.cluster import RealCluster
from warren.testing.patience import wait_until

HERE = Path(__file__).parent
COMMAND_S = 60


@dataclass
class Deployment:
    """A cluster with its cluster file, and the client of a publisher."""

    cluster: RealCluster
    client: Client
    management_url: str

    @property
    def file(self):
        return self.cluster.file

    @property
    def vhost(self):
        return urlsplit(self.cluster.amqp_url).path.removeprefix("/")

    async def warren(self, *words, code=0):
        """`warren …`, which must end with `code`; what it said."""
        given = {
            "WARREN_AMQP_URL": self.cluster.amqp_url,
            "WARREN_MANAGEMENT_URL": self.management_url,
            "WARREN_LEDGER_URL": self.cluster.ledger_url,
            "WARREN_CLUSTER": str(self.file),
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "warren.cli", *words),
            cwd=self.file.parent,
            env={**os.environ, **given, "NO_COLOR": "1", "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        async with asyncio.timeout(COMMAND_S):
            output, _ = await process.communicate()
        assert process.returncode == code, output.decode()
        return output.decode()

    async def stop(self, *members):
        """SIGTERM, and wait for the end in good order."""
        processes = [self.cluster.members.pop(name).process for name in members]
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            assert await asyncio.to_thread(process.wait, 40) == 0
            process.stdin.close()

    async def renew(self, *members):
        """A new process first, then SIGTERM for the one before it, as a rolling update does it."""
        for name in members:
            before = self.cluster.members.pop(name)
            self.cluster.start(f"new {name}", *before.command)
            await self.cluster.ready()
            self.cluster.members[name] = before
            await self.stop(name)

    async def start(self, **commands):
        for name, command in commands.items():
            self.cluster.start(name.replace("_", " "), *command)
        await self.cluster.ready()

    async def submit(self, items, *, team="crew", skill="haul", **fields):
        """A map over so many items."""
        do = {"kind": "call", "skill": skill, "input": {"n": "item"}}
        plan = {"kind": "map", "items": "input.items", "window": 8, "do": do, "reduce": "count"}
        plan = {"kind": "delegate", "team": team, "plan": plan}
        return await self.client.submit(plan=plan, input={"items": list(range(items))}, **fields)

    async def until_done(self, handle, tasks):
        async def is_so():
            return next(branch.done for branch in (await handle.status()).tree if branch.id == handle.id) >= tasks

        await wait_until(is_so, timeout_s=30, reason=f"{tasks} tasks are done")

    async def until_planned(self, handle):
        async def is_so():
            return next(branch.total for branch in (await handle.status()).tree if branch.id == handle.id) > 0

        await wait_until(is_so, timeout_s=30, reason="a task is planned")

    async def dead_letters(self, *teams):
        async with RabbitBroker(self.cluster.amqp_url, name="test") as broker:
            return {
                owner: depth.messages
                for owner in (names.DIRECTOR, *teams)
                if (depth := await broker.depth(names.dead_queue(owner))).messages
            }


@asynccontextmanager
async def deployed(folder, amqp_url, management, ledger_url=None):
    if management is None:
        pytest.skip("the management API of this broker is not known")
    shutil.copytree(HERE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*test*", "__pycache__"))
    async with RealCluster(folder / "cluster.yaml", amqp_url, ledger_url=ledger_url) as cluster:
        await cluster.ready()
        async with Client(amqp_url, answer_within_s=60) as client:
            yield Deployment(cluster, client, management.url)


@pytest.fixture
async def deployment(amqp_vhost_url, management, tmp_path):
    async with deployed(tmp_path, amqp_vhost_url, management) as deployment:
        yield deployment


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_url(request):
    """None for an SQLite file beside the cluster file."""
    if request.param == "sqlite":
        return None
    return request.getfixturevalue("postgres_database_url").replace("+asyncpg", "")


@pytest.fixture
async def deployment_by_ledger(amqp_vhost_url, management, tmp_path, ledger_url):
    async with deployed(tmp_path, amqp_vhost_url, management, ledger_url) as deployment:
        yield deployment
