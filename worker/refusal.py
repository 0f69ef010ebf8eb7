"""What a worker sends instead of a message that its broker will never take: a small failure. No I/O."""

from __future__ import annotations

from typing import Final

from topology import names
from warren.broker.dead_letter import Cause
from warren.broker.port import Delivery, Outgoing, Verdict
from warren.broker.refusal import ADVICE, CODE
from warren.clock import Clock
from warren.messages.codec import decode
from warren.messages.outcome import Cancelled, ErrorInfo, Failed
from warren.messages.result import Result
from warren.messages.task import Task, TaskMessage
from worker.attempt import sendable
from worker.conclusion import Conclusion
from worker.dead_letter import parked_task
from worker.parcel import Packable, Packer, Parcel

MAX_REASON_CHARS: Final = 1_000


class Substitutes:
    """Finds what can be published where a parcel cannot."""

    def __init__(self, packer: Packer, clock: Clock) -> None:
        self._packer = packer
        self._clock = clock

    def of(self, parcel: Parcel, reason: str) -> list[Parcel] | None:
        """What to publish instead, for which its tickets then wait; None if there is no smaller way to say it."""
        found = self._of(parcel, reason)
        for each in found or ():
            for ticket in each.tickets:
                ticket.open += 1
        return found

    def _of(self, parcel: Parcel, reason: str) -> list[Parcel] | None:
        now_s = self._clock.now()
        if len(parcel.results) > 1:
            return [self._packer.parcel([one], int(now_s)) for one in parcel.results]
        (ticket,) = parcel.tickets
        if (verdict := _broker_can(parcel.message, ticket.delivery)) is not None:
            ticket.verdict = verdict
            return []
        if parcel.results:
            conclusion = instead_of_result(ticket.delivery, parcel.results[0].body, reason)
        else:
            conclusion = instead_of_copy(ticket.delivery, parcel.message, reason, self._packer.agent, now_s)
        return None if conclusion is None else self._parcels(parcel, conclusion)

    def _parcels(self, parcel: Parcel, conclusion: Conclusion) -> list[Parcel]:
        (ticket,) = parcel.tickets
        message = decode(TaskMessage, ticket.delivery.body, limit_bytes=None)
        assert conclusion.result is not None
        about = parcel.message.properties.correlation_id or ""
        result = Packable(ticket, message.team, message.priority, about, conclusion.result)
        letters = [Parcel(letter, [ticket]) for letter in conclusion.messages]
        return [self._packer.parcel([result], int(self._clock.now())), *letters]


def _broker_can(message: Outgoing, delivery: Delivery) -> Verdict | None:
    """What the broker can do with what it has itself, whatever its size; a bundle it parks as a whole."""
    if message.exchange == names.DEAD:
        return Verdict.REJECT
    return Verdict.REQUEUE if message.body == delivery.body else None


def instead_of_result(delivery: Delivery, body: bytes, reason: str) -> Conclusion | None:
    """For the JSON of a result. None if it is such a failure already, which no smaller one can replace."""
    result = Result.model_validate_json(body)
    if isinstance(result.outcome, Failed) and result.outcome.error.code == CODE:
        return None
    return _failed(delivery, result, f"the broker does not take its result of {len(body):,} bytes: {reason}{ADVICE}")


def instead_of_copy(delivery: Delivery, copy: Outgoing, reason: str, agent: str, now_s: float) -> Conclusion:
    """For a copy of a task on its way to the retry ladder."""
    sent = decode(TaskMessage, copy.body, limit_bytes=None)
    task = _task(delivery, sent.tasks[0].id)
    tried = (sent.tasks[0].tried or [])[len(task.tried or ()) :]
    why = "".join(f" after {each.code}: {each.message}" for each in tried)
    text = f"it cannot be sent to be tried again{why}; the broker says: {reason}{ADVICE}"
    return _failed(delivery, _unfinished(sent, task, agent, tried[0].started_s if tried else now_s, now_s), text)


def _unfinished(sent: TaskMessage, task: Task, agent: str, started_s: float, now_s: float) -> Result:
    """The result of a task's attempt, but for its outcome."""
    return Result(
        id=task.id,
        owner=sent.owner,
        attempt=task.attempt,
        outcome=Cancelled(),
        started_s=started_s,
        ended_s=now_s,
        agent=agent,
        replay=task.replay or None,
        tried=task.tried,
    )


def _failed(delivery: Delivery, result: Result, text: str) -> Conclusion:
    """The result as a failure, and the dead letter that goes with it."""
    message = decode(TaskMessage, delivery.body, limit_bytes=None)
    error = ErrorInfo(
        code=CODE,
        message=sendable(text, MAX_REASON_CHARS),
        task=result.id,
        permanent=True,
        skill=message.skill,
        attempts=result.attempt,
    )
    failed = result.model_copy(update={"outcome": Failed(error=error)})
    cause = Cause(CODE, error.message, agent=result.agent, started_s=result.started_s, given_up_s=result.ended_s)
    letter = parked_task(delivery, message, _task(delivery, result.id), cause)
    return Conclusion(failed.__pydantic_serializer__.to_json(failed, exclude_none=True), (letter,))


def _task(delivery: Delivery, task_id: str) -> Task:
    """A task of a delivery, as it came."""
    message = decode(TaskMessage, delivery.body, limit_bytes=None)
    return next(task for task in message.tasks if task.id == task_id)
