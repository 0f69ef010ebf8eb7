"""Celery's half of the comparison: one app, made the same way in the worker and in the client."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Self

from celery import Celery, Task  # type: ignore[import-untyped]

PREFETCH_PER_PROCESS = 50


@dataclass(frozen=True, slots=True)
class CelerySettings:
    amqp_url: str
    queue: str
    confirm: bool

    @classmethod
    def from_arguments(cls) -> Self:
        parser = ArgumentParser()
        parser.add_argument("--amqp-url", required=True)
        parser.add_argument("--queue", required=True)
        parser.add_argument("--confirm", action="store_true")
        return cls(**vars(parser.parse_args()))

    def arguments(self) -> list[str]:
        return ["--amqp-url", self.amqp_url, "--queue", self.queue, *(["--confirm"] if self.confirm else [])]


def celery_app(settings: CelerySettings) -> tuple[Celery, Task]:
    """The app and its no-op task. Everything that costs time and is not asked for is switched off."""
    app = Celery("bench", broker=settings.amqp_url, backend="rpc://")
    app.conf.update(
        task_default_queue=settings.queue,
        result_persistent=True,
        worker_prefetch_multiplier=PREFETCH_PER_PROCESS,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"confirm_publish": True} if settings.confirm else {},
    )
    return app, app.task(_noop, name="noop")


def _noop(index: int) -> int:
    return index
