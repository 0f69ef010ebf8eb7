"""A real cluster in processes, a project that keeps it busy, and an audit of the ledger when all is over."""

import asyncio
import os
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from warren.broker.rabbit import PrivateNode
from warren.broker.rabbit.node import find_server
from warren.client import Client
from warren.errors import BrokerUnavailable
from warren.ids import is_within
from warren.ledger.ledger import open_ledger
from warren.messages.outcome import Succeeded
from warren.testing.audit import audit, books
from warren.testing.cable import Cable
from warren.testing.cluster import RealCluster
from warren.testing.patience import wait_until

HERE = Path(__file__).parent
PATIENCE_S = 90.0
FAILS_EVERY = 50


@dataclass
class House:
    """The cluster, and a client of it."""

    cluster: RealCluster
    client: Client

    async def begin(self, tasks, *, window=100, ms=0, padding=""):
        """A project of so many tasks, some of which fail at first, each with some padding in its input."""
        items = [{"n": n, "ms": ms, "fails": int(n % FAILS_EVERY == 1)} for n in range(tasks)]
        call = {"kind": "call", "skill": "work", "input": {"padding": f"'{padding}'"}}
        call["input"] |= {name: f"item.{name}" for name in items[0]}
        fan = {"kind": "map", "items": "input.items", "do": call, "window": window, "reduce": "sum"}
        plan = {"kind": "delegate", "team": "crew", "plan": fan}
        return await self.client.submit(plan=plan, input={"items": items})

    async def done(self, handle, at_least):
        """Return when so many tasks are done."""

        async def enough():
            status = await handle.status(PATIENCE_S)
            return status.status != "open" or sum(each.done for each in status.tree if each.kind == "map") >= at_least

        await wait_until(enough, timeout_s=PATIENCE_S, reason=f"{at_least} tasks are done")

    async def end(self, handle, tasks):
        """See it through: the right result, and a ledger in which nothing is lost, doubled or left open."""
        async with asyncio.timeout(PATIENCE_S):
            outcome = await handle.outcome()
        assert outcome == Succeeded(output={"n": sum(range(tasks)) + tasks})
        async with open_ledger(self.cluster.ledger_url) as ledger:

            async def is_clean():
                return not await audit(ledger)

            await wait_until(is_clean, timeout_s=20, reason="the last note is in the ledger")
            found = await books(ledger)
            counted = [row for row in found.tasks.values() if row.kind == "task" and is_within(row.id, handle.id)]
            assert len(counted) == tasks
            assert {row.status for row in counted} == {"succeeded"}

    async def says(self, name, word):
        """Wait until a process says in its readiness that it waits for something, in these words."""

        async def said():
            member = self.cluster.members[name]
            code = member.process.poll()
            assert code is None, f"{name} ended with {code}: {member.log.read_text()[-3000:]}"
            return word in str(await member.waits_for())

        await wait_until(said, timeout_s=PATIENCE_S, reason=f"{name} says {word!r}")

    async def all_say(self, word, *names):
        for name in names or self.cluster.members:
            await self.says(name, word)


@asynccontextmanager
async def settled_in(folder, amqp_url, *, ledger_url=None, client_url=None, profile="classic"):
    shutil.copytree(HERE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*test*", "__pycache__"))
    file = folder / "cluster.yaml"
    file.write_text(f"{file.read_text()}profile: {profile}\n")
    async with RealCluster(file, amqp_url, ledger_url=ledger_url) as cluster:
        await cluster.ready()
        async with Client(client_url or amqp_url, answer_within_s=PATIENCE_S) as client:
            yield House(cluster, client)


@pytest.fixture
def settle_in(tmp_path):
    """`async with settle_in(amqp_url) as house:` a cluster of five processes."""

    def make(amqp_url, **options):
        return settled_in(tmp_path / "house", amqp_url, **options)

    return make


@pytest.fixture
async def cable(amqp_vhost_url):
    """Between the cluster and the broker; heartbeats notice within seconds that nothing comes through."""
    async with Cable(f"{amqp_vhost_url}?heartbeat=2") as cable:
        yield cable


@pytest.fixture
def server():
    """Whoever has no RabbitMQ to start skips this; CI has one."""
    try:
        return find_server()
    except BrokerUnavailable as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture
async def node(server, tmp_path):
    """A broker that may be killed."""
    async with PrivateNode(tmp_path / "node", fast=True) as node:
        yield node
