"""A real cluster in processes that may be killed, and are then started again, as a supervisor does."""

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from warren.broker.rabbit.broker import RabbitBroker
from warren.client import Client
from warren.testing.cluster import RealCluster
from warren.testing.patience import wait_until

HERE = Path(__file__).parent
WORKER = "worker crew"
START = ("worker", "--team", "crew")


@pytest.fixture
def over():
    return plan_over


def plan_over(items, skill="work", *, tolerate=0, window=1000, **fields):
    """A plan: the skill for each of the items, each of them given as it is, or as a field and what goes with it."""
    given = {name: f"`{value}`" if isinstance(value, int | float) else f"'{value}'" for name, value in fields.items()}
    call = {"kind": "call", "skill": skill, "input": given | {name: f"item.{name}" for name in items[0]}}
    inner = {"kind": "map", "items": "input.items", "do": call, "tolerate": tolerate, "window": window}
    return {"plan": {"kind": "delegate", "team": "crew", "plan": inner}, "input": {"items": items}}


@dataclass
class Notes:
    """What the handlers wrote down."""

    path: Path

    def lines(self, word=None):
        if not self.path.exists():
            return []
        lines = [line.split() for line in self.path.read_text().splitlines()]
        return [line for line in lines if word is None or line[0] == word]


@dataclass
class House:
    """The cluster, a client, and a broker's connection of the test."""

    cluster: RealCluster
    client: Client
    broker: RabbitBroker
    folder: Path
    deaths: list = field(default_factory=list)
    """The exit codes of workers that ended."""
    options: dict = field(default_factory=dict)

    def notes(self, name="notes"):
        return Notes(self.folder / name)

    def start(self, name, *options):
        """One more worker, which starts with these flags however often it is started again."""
        self.options[name] = options
        return self.cluster.start(name, *START, *options)

    async def keep_alive(self):
        """Start again what has ended, until cancelled."""
        while True:
            for name, member in list(self.cluster.members.items()):
                if name.startswith("worker") and (code := member.process.poll()) is not None:
                    self.deaths.append(code)
                    member.process.stdin.close()
                    self.start(name, *self.options.get(name, ()))
            await asyncio.sleep(0.05)

    async def letters(self, count):
        """The dead letters of the team, of which there must be exactly so many."""
        await wait_until(self.dead, timeout_s=20, reason="there is a dead letter")
        async with self.broker.subscribe("warren.dead.crew", prefetch=100) as letters:
            found = await letters.receive()
        assert len(found) == count
        return found

    async def dead(self):
        return (await self.broker.depth("warren.dead.crew")).messages

    async def queued(self, skill="work"):
        return (await self.broker.depth(f"warren.work.crew.{skill}")).messages


@asynccontextmanager
async def settled_in(folder, url, profile):
    shutil.copytree(HERE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*test*", "__pycache__"))
    file = folder / "cluster.yaml"
    file.write_text(f"{file.read_text()}profile: {profile}\n")
    async with RealCluster(folder / "cluster.yaml", url) as cluster:
        await cluster.ready()
        async with Client(url, answer_within_s=60) as client, RabbitBroker(url) as broker:
            yield House(cluster, client, broker, folder)


@pytest.fixture
def profile():
    return "classic"


@pytest.fixture
async def house(amqp_vhost_url, tmp_path, profile):
    async with settled_in(tmp_path, amqp_vhost_url, profile) as house:
        yield house


@pytest.fixture
async def supervised(house):
    """The same, and workers that end are started again."""
    keeping = asyncio.ensure_future(house.keep_alive())
    yield house
    keeping.cancel()
    await asyncio.wait([keeping])
