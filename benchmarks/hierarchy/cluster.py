"""One director, one lead and two workers as processes, on a fresh ledger."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from pathlib import Path
from shutil import copy
from typing import Final
from urllib.parse import SplitResult, urlsplit

import asyncpg

from benchmarks.child import Child, Command
from benchmarks.contender import Guarantees
from benchmarks.driver import drive
from benchmarks.queue_probe import delete_queues, wait_for_consumers
from topology import build, parse_cluster
from topology.names import work_queue
from warren.broker.rabbit.broker import RabbitBroker
from warren.ledger.ledger import sqlite_url

HERE: Final = Path(__file__).parent
CLUSTER: Final = """
version: 1
playbooks: [fan.yaml]
teams:
  bench:
    modules: [benchmarks.hierarchy.noop_skills]
    skills:
      noop: {{concurrency: 64, bundle: {bundle}}}
"""
TURNS: Final = count()


class HierarchyContender:
    """Warren, whole: every process starts for the turn, on a ledger of its own."""

    def __init__(
        self,
        name: str,
        guarantees: Guarantees,
        *,
        amqp_url: str,
        ledger: Callable[[], Awaitable[str]],
        bundle: str,
        workdir: Path,
    ) -> None:
        self.name = name
        self.guarantees = guarantees
        self._amqp_url = amqp_url
        self._ledger = ledger
        self._workdir = workdir / f"hierarchy-{next(TURNS)}"
        self._environment = {
            "WARREN_AMQP_URL": amqp_url,
            "WARREN_CLUSTER": str(self._workdir / "cluster.yaml"),
            "WARREN_HEALTH_PORT": "off",
            "WARREN_LOG": "json",
            "WARREN_LOG_LEVEL": "warning",
            "WARREN_RESULTS_PER_MESSAGE": "64" if bundle == "auto" else "1",
        }
        self._text = CLUSTER.format(bundle=bundle)
        self._topology = build(parse_cluster(self._text, "cluster.yaml"))
        self._children: list[Child] = []

    async def start(self) -> None:
        self._workdir.mkdir()
        self._environment["WARREN_LEDGER_URL"] = await self._ledger()
        (self._workdir / "cluster.yaml").write_text(self._text)
        copy(HERE / "fan.yaml", self._workdir)
        async with RabbitBroker(self._amqp_url) as broker:
            await broker.declare(self._topology)
        for role, arguments in ROLES.items():
            self._children.append(await Child.start(self._command(role, arguments), self._workdir))
        for queue in (work_queue("bench", "noop"), "warren.lead.bench.results", "warren.projects"):
            consumers = 2 if queue.startswith("warren.work") else 1
            await wait_for_consumers(self._amqp_url, queue, consumers, self._children)
        client = self._command("client", ["benchmarks.hierarchy.client"], driven=True)
        self._children.append(await Child.start(client, self._workdir))

    async def run(self, tasks: int) -> float:
        for child in self._children:
            child.assert_alive()
        return await drive(self._children[-1], tasks)

    async def stop(self) -> None:
        for child in reversed(self._children):
            await child.stop()
        await delete_queues(self._amqp_url, [queue.name for queue in self._topology.queues])

    def processes(self) -> Mapping[str, int]:
        return {child.role: child.pid for child in self._children}

    def _command(self, role: str, arguments: list[str], *, driven: bool = False) -> Command:
        return Command(role, [sys.executable, "-m", *arguments], self._environment, driven=driven)


ROLES: Final = {
    "director": ["director"],
    "lead": ["teamlead", "--team", "bench"],
    "worker-1": ["worker", "--team", "bench"],
    "worker-2": ["worker", "--team", "bench"],
}


async def fresh_ledger(kind: str, workdir: Path, postgres_url: str | None) -> str:
    """The URL of a ledger that nobody has used."""
    turn = next(TURNS)
    if kind == "sqlite":
        return sqlite_url(workdir / f"ledger-{turn}.sqlite3")
    assert postgres_url is not None, "a PostgreSQL ledger needs its server"
    return await _new_database(urlsplit(postgres_url), f"bench_{turn}")


async def _new_database(server: SplitResult, name: str) -> str:
    connection = await asyncpg.connect(server._replace(scheme="postgresql").geturl())
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return server._replace(path=f"/{name}").geturl()
