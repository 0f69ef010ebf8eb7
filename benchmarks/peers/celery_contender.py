"""Celery as a contender: prefork with two processes, results over the broker (rpc backend)."""

from __future__ import annotations

import secrets
import sys

from benchmarks.child import Command
from benchmarks.contender import Candidate, Contender, Guarantees
from benchmarks.peers.celery_app import CelerySettings
from benchmarks.process_contender import Cast, ProcessContender
from benchmarks.services import Services


def celery_candidate(*, confirm: bool) -> Candidate:
    name = "celery-confirm" if confirm else "celery"

    def make(services: Services) -> Contender:
        settings = CelerySettings(services.amqp_url, f"bench.{name}.{secrets.token_hex(3)}", confirm)
        return ProcessContender(
            name, _guarantees(settings), _cast(settings), amqp_url=services.amqp_url, workdir=services.workdir
        )

    return Candidate(name, make, missing=lambda _: None)


def _guarantees(settings: CelerySettings) -> Guarantees:
    return Guarantees(
        confirms=settings.confirm,
        acknowledged="before the task runs (Celery's default)",
        results="persistent message in the client's own queue, not acknowledged",
        record="none",
    )


def _cast(settings: CelerySettings) -> Cast:
    return Cast(
        workers=[_command("celery-worker", "benchmarks.peers.celery_worker", settings)],
        client=_command("celery-client", "benchmarks.peers.celery_client", settings),
        queues=[settings.queue],
        consumers=1,  # the parent consumes for both processes
    )


def _command(role: str, module: str, settings: CelerySettings) -> Command:
    driven = role.endswith("client")
    return Command(role, [sys.executable, "-m", module, *settings.arguments()], driven=driven)
