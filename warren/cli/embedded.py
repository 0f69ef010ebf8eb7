"""A whole cluster within this process, on a broker in memory: nothing to install, nobody else can reach it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from director.director import Director
from teamlead.teamlead import TeamLead
from topology.build import build
from topology.cluster import Cluster
from warren.broker.memory.broker import MemoryBroker
from warren.broker.memory.server import MemoryServer
from warren.broker.port import Broker
from warren.clock import SystemClock
from warren.coordination.desk import Desk
from warren.coordination.tracer import Tracer
from warren.ledger.ledger import Ledger, open_ledger
from warren.runtime.agent import agent_id
from warren.runtime.cluster_file import read_cluster, read_playbooks
from warren.runtime.import_path import make_importable
from warren.runtime.service import Service as Running
from warren.runtime.service import host
from warren.telemetry.span import Service
from warren.telemetry.telemetry import Telemetry
from worker.equipment import stations
from worker.settings import WorkerSettings
from worker.worker import Options, Worker

Make = Callable[[Broker], Running]

ROLE: Final = "embedded"
PATIENCE_S: Final = 3.0
"""What the last spans may take."""


@asynccontextmanager
async def embedded(file: Path, ledger_url: str, grace_s: float) -> AsyncIterator[Broker]:
    """Run director, leads and workers within this context; yields a client's connection to their broker."""
    cluster = read_cluster(file)
    make_importable(file)
    server, ledger = MemoryServer(SystemClock()), open_ledger(ledger_url)
    telemetry = Telemetry(Service(ROLE, _agent()), SystemClock(), os.environ)
    telemetry.provide()
    async with AsyncExitStack() as stack:
        for opened in (telemetry, server, ledger):
            await stack.enter_async_context(opened)
        broker = await stack.enter_async_context(MemoryBroker(server))
        await broker.declare(build(cluster))
        staff = _staff(file, cluster, ledger, telemetry)
        services = [await stack.enter_async_context(_connected(server, make)) for make in staff]
        async with asyncio.TaskGroup() as group:
            stop = asyncio.Event()
            for service in services:
                group.create_task(host(service, stop, grace_s))
            yield broker
            stop.set()
        await _tell_the_rest(broker, ledger, telemetry)


async def _tell_the_rest(broker: Broker, ledger: Ledger, telemetry: Telemetry) -> None:
    """Export what has ended just now, which coordinators leave alone for a moment."""
    if telemetry.spans is None:
        return
    tracer = Tracer(Desk(broker, ledger, SystemClock()), telemetry, settling_s=0.0)
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while await tracer.export():
                """There may be more."""


@asynccontextmanager
async def _connected(server: MemoryServer, make: Make) -> AsyncIterator[Running]:
    async with MemoryBroker(server) as broker:
        yield make(broker)


def _staff(file: Path, cluster: Cluster, ledger: Ledger, telemetry: Telemetry) -> Iterator[Make]:
    """The director, and each team's leads and workers, as on a broker of their own process."""
    clock, playbooks = SystemClock(), read_playbooks(cluster, file)
    yield lambda broker: Director(broker, ledger, clock, cluster, playbooks, os.urandom, telemetry)
    for name, team in cluster.teams.items():
        for _ in range(team.leads):
            yield partial(_lead, ledger, cluster, telemetry, name)
        for _ in range(team.workers):
            yield partial(_worker, file, cluster, telemetry, name)


def _lead(ledger: Ledger, cluster: Cluster, telemetry: Telemetry, team: str, broker: Broker) -> Running:
    return TeamLead(broker, ledger, SystemClock(), cluster, team, telemetry)


def _worker(file: Path, cluster: Cluster, telemetry: Telemetry, team: str, broker: Broker) -> Running:
    settings = WorkerSettings(team=team, cluster=file)
    options = Options(limit_bytes=cluster.limits.message_bytes)
    return Worker(team, stations(settings, cluster), broker, agent=_agent(), options=options, telemetry=telemetry)


def _agent() -> str:
    return agent_id(socket.gethostname(), os.getpid(), os.urandom(3))
