"""What is written on a message when it is dead-lettered, as RabbitMQ writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from warren.broker.memory.message import Message

HISTORY = "x-death"


class Reason(Enum):
    """Why a queue let go of a message."""

    REJECTED = "rejected"
    EXPIRED = "expired"
    MAX_LENGTH = "maxlen"
    DELIVERY_LIMIT = "delivery_limit"


def dead_letter(message: Message, queue: str, reason: Reason, moment: float) -> Message:
    """The message as it leaves `queue`: with this death on top of its history, and without its own TTL."""
    headers = dict(message.properties.headers)
    headers[HISTORY] = _history(message, queue, reason, moment)
    for rank in ("first", "last"):
        if rank == "last" or "x-first-death-queue" not in headers:
            headers |= _summary(rank, message.exchange, queue, reason)
    properties = replace(message.properties, headers=headers, expiration_ms=None)
    return Message(message.exchange, message.routing_key, message.body, properties)


def would_cycle(letter: Message, target: str) -> bool:
    """Whether the letter has been in `target` before and came round without any consumer rejecting it.

    RabbitMQ drops it then. Like RabbitMQ before 4.0 this believes a history that a client has published.
    """
    history: list[Mapping[str, Any]] = letter.properties.headers.get(HISTORY, [])
    if history and history[0].get("reason") == Reason.REJECTED.value:
        return False
    for death in history:
        if death.get("reason") == Reason.REJECTED.value:
            return False
        if death.get("queue") == target:
            return True
    return False


def _history(message: Message, queue: str, reason: Reason, moment: float) -> list[Mapping[str, Any]]:
    earlier: list[Mapping[str, Any]] = list(message.properties.headers.get(HISTORY, []))
    for place, death in enumerate(earlier):
        if (death.get("queue"), death.get("reason")) == (queue, reason.value):
            again = {**death, "count": death.get("count", 0) + 1}
            return [again, *earlier[:place], *earlier[place + 1 :]]
    return [_first_death(message, queue, reason, moment), *earlier]


def _first_death(message: Message, queue: str, reason: Reason, moment: float) -> Mapping[str, Any]:
    death: dict[str, Any] = {
        "count": 1,
        "reason": reason.value,
        "queue": queue,
        "time": datetime.fromtimestamp(int(moment), UTC),
        "exchange": message.exchange,
        "routing-keys": [message.routing_key],
    }
    if message.properties.expiration_ms is not None:
        death["original-expiration"] = str(message.properties.expiration_ms)
    return death


def _summary(rank: str, exchange: str, queue: str, reason: Reason) -> dict[str, str]:
    return {
        f"x-{rank}-death-reason": reason.value,
        f"x-{rank}-death-queue": queue,
        f"x-{rank}-death-exchange": exchange,
    }
