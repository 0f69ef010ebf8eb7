"""Results of tasks and assignments, taken in by whoever coordinates them: the same for director and team leads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from warren.broker.dead_letter import CODE, REASON, last_death
from warren.broker.port import Delivery
from warren.coordination.carriage import is_exported
from warren.coordination.course import history_of
from warren.coordination.effects import Effects, Ended
from warren.coordination.frame import Frames
from warren.coordination.turn import Turn
from warren.errors import InvalidInput
from warren.ids import is_within
from warren.ledger.ended import ended
from warren.ledger.event import Overtaken
from warren.ledger.outbox import unsent_of
from warren.ledger.transaction import Owner, Transaction
from warren.messages.assignment import Assignment
from warren.messages.outcome import ErrorInfo, Expired, Failed
from warren.messages.result import Result, ResultMessage
from warren.messages.task import TaskMessage
from warren.messages.written import AnyEnd

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
        self.limit_bytes = limit_bytes
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
            if any(is_within(owner_id, path) for path in effects.stopped):
                continue  # an owner above it has just ended
            if owner.status == "open":
                effects.add(self._turn(transaction, owner, now).settle(one.result for one in theirs))
            if is_exported(owner.trace):
                note_overtaken(transaction, owner.id, [one.result for one in theirs], now)
            if any(one.redelivered for one in theirs):
                effects.add(sent_again(transaction, owner, effects))
        return effects

    def obstacles(
        self, transaction: Transaction, owner: Owner, heard: Mapping[str, Collection[str]], opened: Collection[str]
    ) -> dict[str, InvalidInput]:
        """Why some of an owner's tasks cannot be opened again."""
        return self._turn(transaction, owner, 0.0).obstacles(heard, opened)

    def reopen(
        self, transaction: Transaction, owner: Owner, opened: Mapping[str, Collection[str]], now: float
    ) -> Effects:
        """Go on with an owner's plan whose nodes the ledger has opened again."""
        return self._turn(transaction, owner, now).reopen(opened)

    def finish(self, transaction: Transaction, owner: Owner, outcome: AnyEnd, now: float) -> Effects:
        """End a project or an assignment from outside."""
        return self._turn(transaction, owner, now).finish(outcome)

    def keep(self, effects: Effects) -> None:
        """Remember plans for the next time, once the transaction that they were in is durable."""
        for frame in effects.frames:
            self._frames.keep(frame)

    def _turn(self, transaction: Transaction, owner: Owner, now: float) -> Turn:
        return Turn(transaction, self._frames, owner, now=now, limit_bytes=self.limit_bytes)


def note_overtaken(transaction: Transaction, owner: str, results: Sequence[Result], now: float) -> None:
    """Write down who ran tasks that were stopped meanwhile, for the trace: their outcome stays what it is."""
    transaction.flush()
    states = transaction.task_states(sorted({result.id for result in results}))
    rows = [
        {
            "id": result.id,
            "agent": result.agent,
            "attempt": result.attempt,
            "started_at": result.started_s,
            "history": history_of(result),
        }
        for result in results
        if result.id in states and states[result.id].status == "cancelled" and states[result.id].owner == owner
    ]
    if rows:
        transaction.append(Overtaken(owner, now, rows))


def sent_again(transaction: Transaction, owner: Owner, already: Effects) -> Effects:
    """What this owner has to say and nobody has confirmed, for a redelivered input may have died before sending.

    `owner` is as it was before this transaction changed it.
    """
    transaction.flush()
    if owner.status != "open":
        return Effects(ended=unheard(transaction, owner.id) if owner.reported_at is None else [])
    known = {unsent.id for unsent in already.unsent}
    return Effects(unsent=[unsent for unsent in unsent_of(transaction, [owner.id]) if unsent.id not in known])


def unheard(transaction: Transaction, owner_id: str) -> list[Ended]:
    """The outcome of a project or an assignment that nobody upward has been told."""
    found = ended(transaction, owner_id)
    owner = transaction.lock([owner_id]).get(owner_id)
    if found is None or owner is None:
        return []
    outcome, ended_s = found
    return [Ended(owner, outcome, ended_s)]


def results_in(message: ResultMessage, delivery: Delivery) -> list[Incoming]:
    return [Incoming(result, delivery.redelivered) for result in message.results]


def died(delivery: Delivery, message: TaskMessage | Assignment, now: float) -> list[Incoming]:
    """The results of what nobody could do: the parent hears it from here, for no worker can tell."""
    outcome = _verdict_on(delivery)
    if outcome is None:
        return []
    given_up = message.tasks if isinstance(message, TaskMessage) else [message]
    return [
        Incoming(result_of(one, message.owner, outcome, now, agent="broker"), delivery.redelivered) for one in given_up
    ]


class Attempted(Protocol):
    """A task or an assignment, as a message or the ledger has it."""

    @property
    def id(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def replay(self) -> int: ...


def result_of(one: Attempted, owner: str, outcome: Expired | Failed, now: float, *, agent: str) -> Result:
    """The result of what no worker reports."""
    return Result(
        id=one.id,
        owner=owner,
        attempt=one.attempt,
        outcome=outcome,
        started_s=now,
        ended_s=now,
        agent=agent,
        replay=one.replay or None,
    )


def _verdict_on(delivery: Delivery) -> Expired | Failed | None:
    """How a dead letter's tasks ended; None if their results come by themselves."""
    headers = delivery.properties.headers
    reason = death_reason(delivery)
    if reason is not None:
        return None if reason == REJECTED else _outcome_of(reason)
    if CODE not in headers:
        return None
    return Failed(error=ErrorInfo(code=str(headers[CODE]), message=str(headers.get(REASON, "")), permanent=True))


def death_reason(delivery: Delivery) -> str | None:
    """Why the broker dead-lettered this last; None if it did not."""
    death = last_death(delivery.properties.headers)
    return None if death is None else str(death.get("reason", ""))


def _outcome_of(reason: str) -> Expired | Failed:
    if reason == EXPIRED:
        return Expired(reason="its deadline passed while it waited in the queue")
    return Failed(
        error=ErrorInfo(
            code=reason, message=f"the broker gave it up ({reason}): workers died of it, or its queue was full"
        )
    )
