"""Dramatiq's half of the comparison: one broker and one actor, set up the same way in the worker and in the client."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

PREFETCH = 100


@dataclass(frozen=True, slots=True)
class DramatiqSettings:
    """Travels in the environment: Dramatiq's own command line starts the workers and has no room for ours."""

    amqp_url: str
    redis_url: str
    queue: str
    confirm: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        return cls(
            environment["BENCH_AMQP_URL"],
            environment["BENCH_REDIS_URL"],
            environment["BENCH_QUEUE"],
            environment["BENCH_CONFIRM"] == "yes",
        )

    def environment(self) -> dict[str, str]:
        return {
            "BENCH_AMQP_URL": self.amqp_url,
            "BENCH_REDIS_URL": self.redis_url,
            "BENCH_QUEUE": self.queue,
            "BENCH_CONFIRM": "yes" if self.confirm else "no",
            "dramatiq_queue_prefetch": str(PREFETCH),
        }


def noop_actor() -> dramatiq.Actor[[int], int]:
    """The no-op actor on a broker that becomes Dramatiq's current one; called in each of its processes."""
    settings = DramatiqSettings.from_environment(os.environ)
    broker = RabbitmqBroker(url=settings.amqp_url, confirm_delivery=settings.confirm)
    broker.add_middleware(Results(backend=RedisBackend(url=settings.redis_url)))  # type: ignore[no-untyped-call]
    dramatiq.set_broker(broker)
    return dramatiq.actor(queue_name=settings.queue, store_results=True)(_noop)


def _noop(index: int) -> int:
    return index
