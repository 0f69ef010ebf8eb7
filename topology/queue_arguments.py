"""The exact arguments of every sort of queue in each profile.

Brokers refuse an argument that belongs to another type of queue, so each combination is written out, and
`x-queue-type` is always sent: without it a vhost's default decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from topology import names
from topology.declaration import Argument
from topology.profile import Profile

Arguments = Mapping[str, Argument]

MAX_PRIORITY: Final = 9
DELIVERY_LIMIT: Final = 10
"""How often a quorum queue hands out a message whose consumers die of it."""

NO_DELIVERY_LIMIT: Final = 1_000_000_000
"""Sent instead of -1, which only brokers from 4.0 understand as 'none'; left out, 4.0 would drop after 20 looks."""

MAX_LENGTH: Final = 100_000
"""Bounds what at-least-once dead-lettering keeps in memory; publishers are told to wait beyond it."""

CONSUMER_TIMEOUT_MS: Final = 24 * 60 * 60 * 1000
"""A worker may hold a task this long; the broker's own half hour is too short for an agent."""

HISTORY: Final[Arguments] = {
    "x-queue-type": "stream",
    "x-max-age": "7D",
    "x-max-length-bytes": 5_000_000_000,
    "x-stream-max-segment-size-bytes": 50_000_000,
}
"""Seven days of events. Old ones go a segment at a time, so segments are small."""


def work(profile: Profile, queue: str) -> Arguments:
    """Tasks for workers, who may hold them long."""
    match profile:
        case "classic":
            return _prioritised(queue)
        case "quorum":
            return _replicated(queue) | {"x-consumer-timeout": CONSUMER_TIMEOUT_MS}
        case _:
            assert_never(profile)


def inbox(profile: Profile, queue: str) -> Arguments:
    """What waits for a coordinator to begin with it, the urgent first."""
    match profile:
        case "classic":
            return _prioritised(queue)
        case "quorum":
            return _replicated(queue)
        case _:
            assert_never(profile)


def results(profile: Profile, queue: str) -> Arguments:
    """Results on their way up. They do not queue for long, and classic priorities would halve their rate."""
    match profile:
        case "classic":
            return {"x-queue-type": "classic", **_dead_letters(queue)}
        case "quorum":
            return _replicated(queue)
        case _:
            assert_never(profile)


def parking(profile: Profile) -> Arguments:
    """Messages that wait for a person. They leave only when somebody takes them."""
    match profile:
        case "classic":
            return {"x-queue-type": "classic"}
        case "quorum":
            return {"x-queue-type": "quorum", "x-delivery-limit": NO_DELIVERY_LIMIT}
        case _:
            assert_never(profile)


def delay(profile: Profile, ttl_ms: int, then: str) -> Arguments:
    """One level of the retry ladder: what comes in goes to the exchange `then` after `ttl_ms`, with its own key."""
    shared: dict[str, Argument] = {"x-message-ttl": ttl_ms, "x-dead-letter-exchange": then}
    match profile:
        case "classic":
            return {"x-queue-type": "classic", **shared}
        case "quorum":
            return {"x-queue-type": "quorum", **shared, **_AT_LEAST_ONCE}
        case _:
            assert_never(profile)


_AT_LEAST_ONCE: Final[dict[str, Argument]] = {
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}


def _dead_letters(queue: str) -> dict[str, Argument]:
    return {"x-dead-letter-exchange": names.DEAD, "x-dead-letter-routing-key": names.queue_token(queue)}


def _prioritised(queue: str) -> dict[str, Argument]:
    return {"x-queue-type": "classic", **_dead_letters(queue), "x-max-priority": MAX_PRIORITY}


def _replicated(queue: str) -> dict[str, Argument]:
    limits: dict[str, Argument] = {"x-delivery-limit": DELIVERY_LIMIT, "x-max-length": MAX_LENGTH}
    return {"x-queue-type": "quorum", **_dead_letters(queue), **_AT_LEAST_ONCE, **limits}
