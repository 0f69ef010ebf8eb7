"""`python -m worker --team T [--skills module,module]`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from topology import names
from topology.cluster import Cluster, load_cluster
from topology.errors import ClusterFileError
from topology.holding import longest_hold_s
from warren.broker.rabbit.broker import RabbitBroker
from warren.clock import SystemClock
from warren.errors import InvalidInput, SkillError
from warren.runtime.announced import Announced
from warren.runtime.identity import Identity
from warren.runtime.import_path import make_importable
from warren.runtime.process import main
from warren.runtime.queues import must_stand
from warren.runtime.readiness import Readiness
from warren.runtime.service import Service, ServiceFactory
from warren.telemetry import contract
from warren.telemetry.logs import get_logger
from warren.telemetry.telemetry import Telemetry
from worker.equipment import stations
from worker.patience import within_hold
from worker.settings import WorkerSettings
from worker.station import Station
from worker.worker import Options, Worker


def worker(settings: WorkerSettings) -> ServiceFactory:
    """A worker on RabbitMQ. Raises InvalidInput for whatever is wrong before there is a connection."""
    cluster = _cluster(settings.cluster)
    served = _stations(settings, cluster)
    options = Options(
        results_per_message=settings.results_per_message,
        limit_bytes=cluster.limits.message_bytes,
        max_tasks=settings.max_tasks,
        max_memory_mb=settings.max_memory_mb,
    )

    @asynccontextmanager
    async def serve(readiness: Readiness, telemetry: Telemetry) -> AsyncIterator[Service]:
        broker = RabbitBroker(settings.amqp_url.get_secret_value(), name=f"worker {settings.team} {settings.agent}")
        readiness.watch("broker", lambda: broker.waiting_for)
        telemetry.metrics.watch(contract.RECONNECTS, lambda: broker.reconnects)
        async with broker:
            await must_stand(broker, (names.work_queue(settings.team, each.skill.name) for each in served))
            telemetry.provide()
            bounded = _bounded(served, cluster, settings, broker.server_version)
            role = Worker(settings.team, bounded, broker, agent=settings.agent, telemetry=telemetry, options=options)
            readiness.watch("worker", lambda: role.waiting_for)
            _announce(settings.team, served)
            who = Identity(settings.agent, "worker", settings.team)
            yield Announced(role, who, broker, SystemClock())

    return serve


def _cluster(path: Path) -> Cluster:
    make_importable(path)
    try:
        return load_cluster(path)
    except ClusterFileError as error:
        raise InvalidInput("cluster_invalid", str(error)) from None


def _stations(settings: WorkerSettings, cluster: Cluster) -> list[Station]:
    try:
        return stations(settings, cluster)
    except SkillError as error:
        raise InvalidInput("skills_unusable", str(error)) from None


def _bounded(served: list[Station], cluster: Cluster, settings: WorkerSettings, version: str) -> list[Station]:
    hold_s = longest_hold_s(cluster.profile, version, configured_s=settings.consumer_timeout_s)
    return within_hold(served, hold_s, version)


def _announce(team: str, served: list[Station]) -> None:
    skills = {station.skill.name: station.concurrency for station in served}
    get_logger("worker").info("serving", team=team, skills=skills)


if __name__ == "__main__":
    sys.exit(main("worker", WorkerSettings, worker))
