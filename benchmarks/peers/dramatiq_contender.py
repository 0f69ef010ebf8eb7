"""Dramatiq as a contender: two processes of eight threads, results in Redis."""

from __future__ import annotations

import secrets
import sys

from benchmarks.child import Command
from benchmarks.contender import Candidate, Contender, Guarantees
from benchmarks.peers.dramatiq_app import DramatiqSettings
from benchmarks.process_contender import Cast, ProcessContender
from benchmarks.services import Services

PROCESSES = 2
THREADS = 8


def dramatiq_candidate(*, confirm: bool) -> Candidate:
    name = "dramatiq-confirm" if confirm else "dramatiq"

    def make(services: Services) -> Contender:
        assert services.redis_url is not None
        queue = f"bench.{name}.{secrets.token_hex(3)}"
        settings = DramatiqSettings(services.amqp_url, services.redis_url, queue, confirm)
        return ProcessContender(
            name, _guarantees(settings), _cast(settings), amqp_url=services.amqp_url, workdir=services.workdir
        )

    return Candidate(name, make, _missing)


def _missing(services: Services) -> str | None:
    return None if services.redis_url else "there is no redis-server on this machine; install redis-server"


def _guarantees(settings: DramatiqSettings) -> Guarantees:
    return Guarantees(
        confirms=settings.confirm,
        acknowledged="after the task ran and its result is stored",
        results="Redis without persistence",
        record="none",
    )


def _cast(settings: DramatiqSettings) -> Cast:
    environment = settings.environment()
    options = ["--processes", str(PROCESSES), "--threads", str(THREADS), "--skip-logging"]
    workers = [sys.executable, "-m", "dramatiq", "benchmarks.peers.dramatiq_app:noop_actor", *options]
    client = [sys.executable, "-m", "benchmarks.peers.dramatiq_client"]
    return Cast(
        workers=[Command("dramatiq-worker", workers, environment)],
        client=Command("dramatiq-client", client, environment, driven=True),
        queues=[settings.queue, f"{settings.queue}.DQ", f"{settings.queue}.XQ"],
        consumers=PROCESSES,
    )
