"""A real cluster, a client, and the `warren dead` commands as a person types them."""

import asyncio
import json
import os
import shutil
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from warren.broker.port import Verdict
from warren.broker.rabbit.broker import RabbitBroker
from warren.client import Client
from warren.testing.cluster import RealCluster
from warren.testing.patience import wait_until
from warren.testing.services.management import in_vhost

HERE = Path(__file__).parent
DEAD = "warren.dead.menders"


@dataclass
class Answer:
    """How a command ended."""

    code: int
    said: str
    complaint: str

    @property
    def json(self):
        return json.loads(self.said)


@dataclass
class Shop:
    """The cluster, a client, and a broker's connection of the test."""

    cluster: RealCluster
    client: Client
    broker: RabbitBroker
    folder: Path
    """The cluster file's."""
    bench: Path
    """The test's own."""

    @property
    def log(self):
        return str(self.bench / "tries")

    @property
    def spare(self):
        return str(self.bench / "spare")

    def tries(self):
        """(n, attempt, time) of every attempt, in their order."""
        path = Path(self.log)
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(n), int(attempt), float(moment)) for n, attempt, moment in map(str.split, lines)]

    def mend(self, name="spare"):
        """Put there what was missing."""
        (self.bench / name).touch()

    def call(self, **fields):
        given = {"need": self.spare, "log": self.log} | fields
        template = {name: f"`{value}`" if isinstance(value, int) else f"'{value}'" for name, value in given.items()}
        return {"kind": "call", "skill": "mend", "input": template}

    def chain(self, **fields):
        """A plan: one that has to be mended, and one that counts it."""
        counted = {"kind": "call", "skill": "count", "input": {"items": ["results.mended"]}}
        return delegated({"kind": "sequence", "steps": {"mended": self.call(**fields), "counted": counted}})

    def each(self, *, tolerate=0, **fields):
        """A plan: one for each of `input.items`, and one that counts them."""
        do = self.call(**fields)
        do["input"] |= {"n": "item.n", "kind": "item.kind", "need": f"item.need || '{self.spare}'"}
        counted = {"kind": "call", "skill": "count", "input": {"items": "results.items"}}
        return delegated({"kind": "map", "items": "input.items", "do": do, "tolerate": tolerate, "reduce": counted})

    async def dead(self, *words):
        """`warren dead …` in a process of its own."""
        options = ("--amqp-url", self.cluster.amqp_url, "--cluster", str(self.folder / "cluster.yaml"), "--json")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "warren.cli",
            "dead",
            *words,
            *options,
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complaint = await process.communicate()
        return Answer(process.returncode, said.decode(), complaint.decode())

    async def letters(self):
        return (await self.broker.depth(DEAD)).messages

    async def until_letters(self, count):
        async def there():
            return await self.letters() == count

        await wait_until(there, timeout_s=30, reason=f"{count} dead letters")

    async def until_planned(self, handle):
        """The team's lead has planned something of it."""

        async def planned():
            return any(branch.kind == "task" for branch in (await handle.status()).tree)

        await wait_until(planned, timeout_s=30, reason=f"{handle.id} has a task")

    async def until(self, handle, status):
        async def is_so():
            return (await handle.status()).status == status

        await wait_until(is_so, timeout_s=30, reason=f"{handle.id} is {status}")


def delegated(plan):
    return {"kind": "delegate", "team": "menders", "plan": plan}


@asynccontextmanager
async def opened(folder, url):
    shutil.copytree(HERE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*test*", "__pycache__"))
    async with RealCluster(folder / "cluster.yaml", url) as cluster:
        await cluster.ready()
        yield cluster


@asynccontextmanager
async def entered(cluster, folder, bench):
    url = cluster.amqp_url
    async with Client(url, answer_within_s=60) as client, RabbitBroker(url, name="test") as broker:
        yield Shop(cluster, client, broker, folder, bench)
        for queue in (DEAD, "warren.dead.director"):
            await empty(broker, queue)


async def empty(broker, queue):
    left = (await broker.depth(queue)).messages
    async with asyncio.timeout(20), broker.subscribe(queue, prefetch=1000) as letters:
        while left:
            batch = await letters.receive()
            await letters.settle([(letter, Verdict.ACK) for letter in batch])
            left -= len(batch)


@pytest.fixture(scope="module")
def vhost_url(amqp_url, management):
    if management is None:
        pytest.skip("the management API of this broker is not known")
    vhost = f"test-{uuid4().hex}"
    management.create_vhost(vhost)
    yield in_vhost(amqp_url, vhost)
    management.delete_vhost(vhost)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(vhost_url, tmp_path_factory):
    """A cluster that all tests of a module use."""
    folder = tmp_path_factory.mktemp("cluster")
    async with opened(folder, vhost_url) as cluster:
        yield cluster, folder


@pytest.fixture
async def shop(house, tmp_path):
    async with entered(*house, tmp_path) as shop:
        yield shop


@pytest.fixture
async def own_shop(amqp_vhost_url, tmp_path):
    """A cluster of one's own, to kill processes of."""
    async with opened(tmp_path, amqp_vhost_url) as cluster, entered(cluster, tmp_path, tmp_path) as shop:
        yield shop
