"""Results of tasks and assignments, taken in by whoever coordinates them: the same for director and team leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from warren.broker.port import Delivery
from warren.coordination.frame import Frames
from warren.coordination.turn import Effects, Turn
from warren.ledger.outbox import unsent_of
from warren.ledger.transaction import Owner, Transaction
from warren.messages.assignment import Assignment
from warren.messages.outcome import AnyOutcome, ErrorInfo, Expired, Failed
from warren.messages.result import Result, ResultMessage
from warren.messages.task import TaskMessage

EXPIRED: Final = "expired"
REJECTED: Final = "rejected"
"""Why the broker dead-lettered something; what a worker rejects, it has reported itself."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A result, and whether the broker has delivered it before: then what followed from it may not have been sent."""

    result: Result
    redelivered: bool


class Carrier:
    """Carries plans on, inside transactions that others open."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._frames = Frames()

    def begin(self, transaction: Transaction, owner: Owner, now: float) -> Effects:
        """Start the plan of a project or an assignment."""
        return self._turn(transaction, owner, now).begin()

    def settle(self, transaction: Transaction, incoming: Sequence[Incoming], now: float) -> Effects:
        """Take in results of any owners."""
        by_owner: dict[str, list[Incoming]] = {}
        for one in incoming:
            by_owner.setdefault(one.result.owner, []).append(one)
        owners = transaction.lock(list(by_owner))
        effects = Effects()
        for owner_id, owner in owners.items():
            theirs = by_owner[owner_id]
            if owner.status == "open":
                effects.add(self._turn(transaction, owner, now).settle(one.result for one in theirs))
            if any(one.redelivered for one in theirs):
                effects.add(sent_again(transaction, owner, effects))
        return effects

    def finish(self, transaction: Transaction, owner: Owner, outcome: AnyOutcome, now: float) -> Effects:
        """End a project or an assignment from outside."""
        return self._turn(transaction, owner, now).finish(outcome)

    def forget(self) -> None:
        """Drop what is in memory, after a transaction that did not go through."""
        self._frames = Frames()

    def _turn(self, transaction: Transaction, owner: Owner, now: float) -> Turn:
        return Turn(transaction, self._frames, owner, now=now, limit_bytes=self._limit_bytes)


def sent_again(transaction: Transaction, owner: Owner, already: Effects) -> Effects:
    """What this owner has planned and nobody has confirmed, for a redelivered input may have died before sending."""
    transaction.flush()
    known = {unsent.id for unsent in already.unsent}
    return Effects(unsent=[unsent for unsent in unsent_of(transaction, [owner.id]) if unsent.id not in known])


def results_in(message: ResultMessage, delivery: Delivery) -> list[Incoming]:
    return [Incoming(result, delivery.redelivered) for result in message.results]


def died(delivery: Delivery, message: TaskMessage | Assignment, now: float) -> list[Incoming]:
    """The results of what the broker gave up: the parent hears it from here, for no worker can tell."""
    reason = death_reason(delivery)
    if reason in (None, REJECTED):
        return []
    outcome = _outcome_of(reason or "")
    return [
        Incoming(
            Result(
                id=one.id,
                owner=message.owner,
                attempt=one.attempt,
                outcome=outcome,
                started_s=now,
                ended_s=now,
                agent="broker",
            ),
            delivery.redelivered,
        )
        for one in (message.tasks if isinstance(message, TaskMessage) else [message])
    ]


def death_reason(delivery: Delivery) -> str | None:
    """Why the broker dead-lettered this last; None if it did not."""
    deaths = delivery.properties.headers.get("x-death")
    if not isinstance(deaths, list) or not deaths or not isinstance(deaths[0], dict):
        return None
    return str(deaths[0].get("reason", ""))


def _outcome_of(reason: str) -> Expired | Failed:
    if reason == EXPIRED:
        return Expired(reason="its deadline passed while it waited in the queue")
    return Failed(
        error=ErrorInfo(
            code=reason, message=f"the broker gave it up ({reason}): workers died of it, or its queue was full"
        )
    )
