"""The raw client as a contender: aio-pika as its manual shows it, two worker processes, two messages per task."""

from __future__ import annotations

import secrets
import sys

from benchmarks.child import Command
from benchmarks.contender import Candidate, Contender, Guarantees
from benchmarks.peers.raw_aio_pika_queues import RawSettings
from benchmarks.process_contender import Cast, ProcessContender
from benchmarks.services import Services

NAME = "raw-aio-pika"
WORKERS = 2
GUARANTEES = Guarantees(
    confirms=True,
    acknowledged="after the result's confirm",
    results="persistent message in a durable queue",
    record="none",
)


def raw_aio_pika_candidate() -> Candidate:
    return Candidate(NAME, _make, missing=lambda _: None)


def _make(services: Services) -> Contender:
    settings = RawSettings(services.amqp_url, f"bench.{NAME}.{secrets.token_hex(3)}")
    return ProcessContender(NAME, GUARANTEES, _cast(settings), amqp_url=services.amqp_url, workdir=services.workdir)


def _cast(settings: RawSettings) -> Cast:
    return Cast(
        workers=[_command(f"raw-worker-{number}", "worker", settings) for number in range(1, WORKERS + 1)],
        client=_command("raw-client", "client", settings),
        queues=[settings.queue, settings.results_queue],
        consumers=WORKERS,
    )


def _command(role: str, part: str, settings: RawSettings) -> Command:
    driven = role.endswith("client")
    return Command(
        role, [sys.executable, "-m", f"benchmarks.peers.raw_aio_pika_{part}", *settings.arguments()], driven=driven
    )
