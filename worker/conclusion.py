"""What follows from the end of an attempt: a result, a dead letter beside it, or another attempt. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pydantic_core import PydanticSerializationError

from topology.names import RETRY_UNIT_MS
from warren.broker.dead_letter import Cause
from warren.broker.port import Delivery, Outgoing
from warren.errors import MessageTooLarge
from warren.messages.codec import MAX_DEPTH, pointer
from warren.messages.outcome import ErrorInfo, Failed, Outcome, Succeeded
from warren.messages.result import Result
from warren.messages.task import Task, TaskMessage
from warren.messages.tried import Tried
from warren.messages.unsayable import MOST_DIGITS, Unsayable, first_unsayable, is_readable, may_hold_nan
from worker.attempt import Attempt, failed, sendable
from worker.dead_letter import parked_task, postponed
from worker.retry import RetryPolicy
from worker.suspicion import redeliveries

MAX_TRIED_CHARS: Final = 500
MAX_TYPE_CHARS: Final = 200
UNREADABLE: Final = (
    f"the handler's output cannot be sent: it may be nested {MAX_DEPTH} levels deep, and its numbers may have "
    f"{MOST_DIGITS:,} digits, not more"
)
ENVELOPE_BYTES: Final = 64
"""What a result message adds to its one result."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What has to be published before the task may be acked; `result` is the JSON of a result, to be packed."""

    result: bytes | None = None
    messages: tuple[Outgoing, ...] = ()
    is_retry: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt, and when it ran (Unix seconds)."""

    attempt: Attempt
    started_s: float
    ended_s: float


class Clerk:
    """Draws the conclusions of one worker."""

    def __init__(self, agent: str, limit_bytes: int) -> None:
        self._agent = agent
        self._limit_bytes = limit_bytes

    def conclude(
        self, delivery: Delivery, message: TaskMessage, task: Task, ended: Ended, policy: RetryPolicy, draw: float
    ) -> Conclusion:
        """`draw` is a random number in 0..1."""
        ended = _attributed(ended, message, task)
        ended, result = self._sendable(message, task, ended, redelivered=redeliveries(delivery) > 0)
        outcome = ended.attempt.outcome
        if not isinstance(outcome, Failed):
            return Conclusion(result)
        units = retry_units(task, outcome.error, ended, policy, draw)
        if units is not None:
            copy = postponed(delivery, message, task, self._tried(task, outcome.error, ended, units), units)
            return Conclusion(messages=(copy,), is_retry=True)
        cause = self._cause(outcome.error, ended)
        return Conclusion(result, (parked_task(delivery, message, task, cause),))

    def _cause(self, error: ErrorInfo, ended: Ended) -> Cause:
        return Cause(
            error.code,
            error.message,
            pointer=error.pointer,
            type=error.type,
            traceback=error.traceback,
            agent=self._agent,
            started_s=ended.started_s,
            given_up_s=ended.ended_s,
        )

    def _tried(self, task: Task, error: ErrorInfo, ended: Ended, units: int) -> Tried:
        return Tried(
            attempt=task.attempt,
            agent=self._agent,
            started_s=ended.started_s,
            ended_s=ended.ended_s,
            code=error.code,
            message=error.message[:MAX_TRIED_CHARS],
            type=error.type[:MAX_TYPE_CHARS] or None,
            delay_s=units * RETRY_UNIT_MS / 1000,
        )

    def _sendable(self, message: TaskMessage, task: Task, ended: Ended, *, redelivered: bool) -> tuple[Ended, bytes]:
        """The result in JSON; an output that cannot be sent has become a failure."""
        try:
            encoded = self._encoded(message, task, ended, redelivered=redelivered)
        except PydanticSerializationError as error:
            reason = sendable(f"the handler's output cannot be sent: {error}", 500)
            return self._failed(message, task, ended, "output_invalid", reason)
        if may_hold_nan(encoded) and (found := _no_number(ended)) is not None:
            where = pointer(found.place)
            reason = f"the handler's output cannot be sent: {where}: {found.reason}"
            return self._failed(message, task, ended, "output_invalid", reason, where)
        if len(encoded) + ENVELOPE_BYTES > self._limit_bytes:
            reason = str(MessageTooLarge(len(encoded), self._limit_bytes))
            return self._failed(message, task, ended, "message_too_large", f"the result cannot be sent: {reason}")
        if not is_readable(encoded):
            return self._failed(message, task, ended, "output_invalid", UNREADABLE)
        return ended, encoded

    def _failed(
        self, message: TaskMessage, task: Task, ended: Ended, code: str, reason: str, where: str = ""
    ) -> tuple[Ended, bytes]:
        attempt = failed(code, reason, task.id, permanent=True, pointer=where)
        refused = Ended(attempt, ended.started_s, ended.ended_s)
        instead = _attributed(refused, message, task)
        return instead, self._encoded(message, task, instead)

    def _encoded(self, message: TaskMessage, task: Task, ended: Ended, *, redelivered: bool = False) -> bytes:
        outcome: Outcome = ended.attempt.outcome
        result = Result(
            id=task.id,
            owner=message.owner,
            attempt=task.attempt,
            outcome=outcome,
            started_s=ended.started_s,
            ended_s=ended.ended_s,
            agent=self._agent,
            replay=task.replay or None,
            tried=task.tried,
            redelivered=redelivered or None,
        )
        return result.__pydantic_serializer__.to_json(result, exclude_none=True)


def _no_number(ended: Ended) -> Unsayable | None:
    outcome = ended.attempt.outcome
    return first_unsayable(outcome.output) if isinstance(outcome, Succeeded) else None


def _attributed(ended: Ended, message: TaskMessage, task: Task) -> Ended:
    """A failure says whose it is: it is read far above, where only the project is known."""
    outcome = ended.attempt.outcome
    if not isinstance(outcome, Failed):
        return ended
    error = outcome.error.model_copy(update={"skill": message.skill, "attempts": task.attempt})
    return replace(ended, attempt=replace(ended.attempt, outcome=Failed(error=error)))


def retry_units(task: Task, error: ErrorInfo, ended: Ended, policy: RetryPolicy, draw: float) -> int | None:
    """How long to wait before the next attempt, in units of the ladder; None if there is to be none."""
    if error.permanent:
        return None
    left_s = None if task.deadline_s is None else task.deadline_s - ended.ended_s
    return policy.delay_units(task.attempt - (task.spent or 0), draw=draw, after_s=ended.attempt.after_s, left_s=left_s)
