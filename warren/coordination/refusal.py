"""What a coordinator sends or writes down instead of a message that its broker will never take. No I/O.

A task or an assignment becomes a failed result, which its plan hears like any other; tasks that are only too many for
one message go one by one. An assignment's output that is too large for the way up stays in the ledger, where the plan
above reads it. A client, who has no other way to an output, is told what was not to be sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from warren.broker.port import NO_HEADERS, Outgoing
from warren.broker.refusal import ADVICE, CODE
from warren.coordination.parcel import Parcel
from warren.coordination.settlement import result_of
from warren.coordination.turn import COORDINATOR
from warren.messages.assignment import Assignment
from warren.messages.codec import decode, encode, shortened
from warren.messages.message import Message
from warren.messages.outcome import AnyOutcome, Cancelled, ErrorInfo, Expired, Failed, Succeeded
from warren.messages.reply import AnyAnswer, Finished, Rejected, Reply
from warren.messages.result import Result, ResultMessage
from warren.messages.task import TaskMessage

MAX_REASON_CHARS: Final = 500


@dataclass(frozen=True, slots=True)
class Instead:
    """What takes the place of one message: others, or results that nobody needs to send."""

    parcels: list[Parcel] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)


def instead_of(parcel: Parcel, now: float) -> Instead | None:
    """What to do about a parcel that is `impossible`; None if there is no smaller way to say it."""
    if parcel.buries is not None:
        return None  # the broker parks what it has itself
    body = parcel.message.body
    match parcel.message.properties.type:
        case TaskMessage.TYPE:
            return _of_tasks(parcel, decode(TaskMessage, body, limit_bytes=None), now)
        case Assignment.TYPE:
            assignment = decode(Assignment, body, limit_bytes=None)
            failed = Failed(error=_error(parcel, "its message", assignment.id))
            return Instead(results=[result_of(assignment, assignment.owner, failed, now, agent=COORDINATOR)])
        case ResultMessage.TYPE:
            return _smaller(parcel, _report(parcel, decode(ResultMessage, body, limit_bytes=None)))
        case Reply.TYPE:
            return _smaller(parcel, _reply(parcel, decode(Reply, body, limit_bytes=None)))
        case _:
            return None


def _of_tasks(parcel: Parcel, message: TaskMessage, now: float) -> Instead:
    if len(message.tasks) > 1:
        return Instead([_single(parcel, message.model_copy(update={"tasks": [task]})) for task in message.tasks])
    (task,) = message.tasks
    failed = Failed(error=_error(parcel, "its message", task.id, skill=message.skill))
    return Instead(results=[result_of(task, message.owner, failed, now, agent=COORDINATOR)])


def _single(parcel: Parcel, message: TaskMessage) -> Parcel:
    (task,) = message.tasks
    properties = replace(parcel.message.properties, correlation_id=task.id)
    sent = replace(parcel.message, body=encode(message, limit_bytes=None), properties=properties)
    return Parcel(sent, owner=parcel.owner, dispatched=[task.id], replay=parcel.replay)


def _report(parcel: Parcel, message: ResultMessage) -> ResultMessage:
    (result,) = message.results
    if isinstance(result.outcome, Succeeded):
        kept = {"outcome": Succeeded(output={}), "kept": True}
        return ResultMessage(results=[result.model_copy(update=kept)])
    return ResultMessage(results=[result.model_copy(update={"outcome": _told(parcel, result.outcome, result.id)})])


def _reply(parcel: Parcel, reply: Reply) -> Reply:
    answer: AnyAnswer
    if isinstance(reply.answer, Finished):
        answer = reply.answer.model_copy(update={"outcome": _told(parcel, reply.answer.outcome, reply.project or "")})
    elif isinstance(reply.answer, Rejected) and reply.answer.error.code == CODE:
        answer = reply.answer
    else:
        answer = Rejected(error=_error(parcel, "the answer", reply.project or ""))
    return Reply(project=reply.project, answer=answer)


def _told(parcel: Parcel, outcome: AnyOutcome, subject: str) -> AnyOutcome:
    """An outcome, as small as it can be."""
    match outcome:
        case Succeeded():
            return Failed(error=_error(parcel, "it succeeded, but its output is not to be sent: the message", subject))
        case Failed(error=error) if error.code != CODE:
            return Failed(error=_error(parcel, f"it failed with {error.code}; the message", subject))
        case Failed():
            return outcome
        case Cancelled() | Expired():
            return outcome.model_copy(update={"reason": shortened(outcome.reason, MAX_REASON_CHARS)})
        case _:
            assert_never(outcome)


def _smaller(parcel: Parcel, message: Message) -> Instead | None:
    """The same parcel with another body, and without the headers of its trace: they may be what is too large."""
    properties = replace(parcel.message.properties, headers=NO_HEADERS)
    sent: Outgoing = replace(parcel.message, body=encode(message, limit_bytes=None), properties=properties)
    return None if sent == parcel.message else Instead([replace(parcel, message=sent, impossible="")])


def _error(parcel: Parcel, what: str, subject: str, *, skill: str = "") -> ErrorInfo:
    why = shortened(parcel.impossible, MAX_REASON_CHARS)
    size = len(parcel.message.body)
    message = f"the broker does not take {what} of {size:,} bytes: {why}{ADVICE}"
    return ErrorInfo(code=CODE, message=message, task=subject, skill=skill, permanent=True)
