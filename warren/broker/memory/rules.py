"""What a queue's arguments ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from topology.declaration import Argument, Queue
from warren.errors import InvalidInput

QUORUM_TOP_PRIORITY: Final = 31
CLASSIC, QUORUM, STREAM = "classic", "quorum", "stream"

_SECONDS_PER: Final = {"Y": 365 * 86_400, "M": 30 * 86_400, "D": 86_400, "h": 3_600, "m": 60, "s": 1}
_AGE: Final = re.compile(r"(\d+)([YMDhms])")
_REFUSED: Final[Mapping[str, frozenset[str]]] = {
    CLASSIC: frozenset({"x-delivery-limit", "x-dead-letter-strategy", "x-max-age"}),
    QUORUM: frozenset({"x-max-priority", "x-max-age"}),
    STREAM: frozenset(
        {"x-max-priority", "x-delivery-limit", "x-dead-letter-strategy", "x-message-ttl", "x-dead-letter-exchange"}
    ),
}


@dataclass(frozen=True, slots=True)
class QueueRules:
    """A queue's arguments, understood. Arguments that are not listed here have no effect, as in RabbitMQ.

    A quorum queue delivers strictly by priority 0..31 as RabbitMQ 4.3 does (3.x knows no priorities there, 4.0 to
    4.2 two). `delivery_limit` is the number of returns a message survives; unset it is unlimited, as before 4.0.
    """

    kind: str
    top_priority: int = 0
    ttl_ms: int | None = None
    dead_letter_exchange: str | None = None
    dead_letter_key: str | None = None
    insists_on_dead_letters: bool = False
    """At-least-once dead lettering: a letter that no queue takes is tried again until one does."""
    max_messages: int | None = None
    max_bytes: int | None = None
    max_age_s: int | None = None
    refuses_when_full: bool = False
    buries_refused: bool = False
    delivery_limit: int | None = None
    single_active: bool = False

    @property
    def is_bounded(self) -> bool:
        return self.max_messages is not None or self.max_bytes is not None


def read_rules(queue: Queue) -> QueueRules:
    """Raises InvalidInput for arguments that RabbitMQ refuses for that type of queue."""
    arguments = queue.arguments
    kind = str(arguments.get("x-queue-type", CLASSIC))
    _check(queue.name, kind, arguments)
    overflow = arguments.get("x-overflow", "drop-head")
    return QueueRules(
        kind=kind,
        top_priority=QUORUM_TOP_PRIORITY if kind == QUORUM else _number(queue, "x-max-priority") or 0,
        ttl_ms=_number(queue, "x-message-ttl"),
        dead_letter_exchange=_text(arguments, "x-dead-letter-exchange"),
        dead_letter_key=_text(arguments, "x-dead-letter-routing-key"),
        # Without reject-publish RabbitMQ falls back to at-most-once and does not say so.
        insists_on_dead_letters=(arguments.get("x-dead-letter-strategy"), overflow)
        == ("at-least-once", "reject-publish"),
        max_messages=_number(queue, "x-max-length"),
        max_bytes=_number(queue, "x-max-length-bytes"),
        max_age_s=_age(queue),
        refuses_when_full=overflow in ("reject-publish", "reject-publish-dlx"),
        buries_refused=overflow == "reject-publish-dlx",
        delivery_limit=_number(queue, "x-delivery-limit"),
        single_active=arguments.get("x-single-active-consumer") is True,
    )


def _check(name: str, kind: str, arguments: Mapping[str, Argument]) -> None:
    if kind not in _REFUSED:
        raise InvalidInput("queue_type", f"queue {name!r}: x-queue-type {kind!r} is none of {', '.join(_REFUSED)}")
    if refused := sorted(_REFUSED[kind] & arguments.keys()):
        raise InvalidInput("queue_arguments", f"queue {name!r}: a {kind} queue takes no {', '.join(refused)}")


def _number(queue: Queue, argument: str) -> int | None:
    value = queue.arguments.get(argument)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise InvalidInput("queue_arguments", f"queue {queue.name!r}: {argument} is {value!r}, but must be a number from 0")


def _text(arguments: Mapping[str, Argument], argument: str) -> str | None:
    value = arguments.get(argument)
    return None if value is None else str(value)


def _age(queue: Queue) -> int | None:
    value = queue.arguments.get("x-max-age")
    if value is None:
        return None
    if found := _AGE.fullmatch(str(value)):
        return int(found[1]) * _SECONDS_PER[found[2]]
    raise InvalidInput("queue_arguments", f"queue {queue.name!r}: x-max-age is {value!r}, but must look like 7D or 12h")
