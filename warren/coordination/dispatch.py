"""From ledger rows to messages: tasks in bundles, assignments one by one, outcomes upward, events for everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from topology import names
from warren.broker.port import NO_HEADERS, Outgoing, Properties
from warren.coordination.announcements import project_event
from warren.coordination.bundling import Skill
from warren.coordination.carriage import headers_below
from warren.coordination.effects import Ended
from warren.coordination.journal import size_bytes
from warren.coordination.parcel import APP_ID, Parcel
from warren.coordination.planning import ENVELOPE_BYTES
from warren.ids import project_of
from warren.ledger.outbox import Unsent
from warren.messages.assignment import Assignment
from warren.messages.codec import DEFAULT_LIMIT_BYTES, encode, to_json
from warren.messages.command import Control
from warren.messages.message import Message
from warren.messages.reply import AnyAnswer, Finished, Reply
from warren.messages.result import Result, ResultMessage
from warren.messages.task import TaskMessage
from warren.messages.written import Ending, Written, filled, without_output

BundleSize = Callable[[Skill, int], int]
"""(skill, how many tasks wait) to the size of a bundle."""

TASK_BYTES = 80
"""What one task of a bundle has around its id and its input."""
DEFAULT_EXCHANGE = ""
KEPT_CHARS = 64 * 1024
"""Larger outputs of assignments stay in the ledger, where whoever coordinates the plan above finds them."""
MAX_EXPIRATION_S = 365 * 86_400.0
"""A broker refuses a time to live of more than ten years, and closes the channel."""


def dispatch(
    unsent: Iterable[Unsent], bundle_size: BundleSize, now: float, limit_bytes: int = DEFAULT_LIMIT_BYTES
) -> Iterator[Parcel]:
    """The messages for tasks and assignments that are planned."""
    ordered = sorted(unsent, key=_bundle_key)
    for (kind, owner, team, skill, *_), group in groupby(ordered, key=_bundle_key):
        members = list(group)
        if kind == "assignment":
            yield from (_assignment(member, now) for member in members)
            continue
        size = bundle_size((team, skill), len(members))
        for bundle in _bundles(members, size, limit_bytes - len(owner) - ENVELOPE_BYTES):
            yield _bundle(bundle, owner, team, skill, now)


def report(ended: Ended) -> list[Parcel]:
    """The outcome, for whoever waits for it: a coordinator for an assignment's, a client for a project's."""
    return _finished(ended) if ended.owner.kind == "project" else [_assignment_result(ended)]


def reply(
    to: str | None,
    correlation_id: str | None,
    project: str | None,
    answer: AnyAnswer | Ending,
    now: float | None = None,
    *,
    headers: Mapping[str, Any] = NO_HEADERS,
) -> list[Parcel]:
    """An answer to a client that left an address; nobody may be there any more. `headers` are those of its trace."""
    if to is None:
        return []
    exchange = names.REPLIES if to.startswith(names.REPLY_PREFIX) else DEFAULT_EXCHANGE
    body = _reply_body(project, answer)
    at_s = None if now is None else int(now)
    properties = Properties(
        type=Reply.TYPE, correlation_id=correlation_id, timestamp_s=at_s, app_id=APP_ID, headers=headers
    )
    return [Parcel(Outgoing(exchange, to, body, properties, mandatory=False))]


def _reply_body(project: str | None, answer: AnyAnswer | Ending) -> bytes:
    if not isinstance(answer, Ending):
        return encode(Reply(project=project, answer=answer), limit_bytes=None)
    outcome = without_output(answer.outcome)
    finished = Finished(outcome=outcome, accepted_s=answer.accepted_s, ended_s=answer.ended_s, replays=answer.replays)
    return filled(encode(Reply(project=project, answer=finished), limit_bytes=None), answer.outcome)


def _finished(ended: Ended) -> list[Parcel]:
    owner = ended.owner
    announcement = project_event(owner, ended.outcome.status, ended.ended_s)
    announcement.owner, announcement.reported, announcement.replay = owner.id, [owner.id], owner.replays
    answer = Ending(ended.outcome, owner.created_at, ended.ended_s, owner.replays)
    below = headers_below(owner.trace, owner.id)
    answers = reply(owner.reply_to, owner.correlation_id, owner.id, answer, headers=below)
    for parcel in answers:
        parcel.owner, parcel.reported, parcel.replay = owner.id, [owner.id], owner.replays
    return [*answers, announcement]


def _assignment_result(ended: Ended) -> Parcel:
    owner = ended.owner
    assert owner.owner is not None, "only a project has no owner"
    kept = isinstance(ended.outcome, Written) and len(ended.outcome.text) > KEPT_CHARS
    result = Result(
        id=owner.id,
        owner=owner.owner,
        attempt=owner.attempt,
        outcome=without_output(ended.outcome),
        started_s=owner.started_at or owner.created_at,
        ended_s=ended.ended_s,
        agent=owner.team or "",
        replay=owner.replays or None,
        kept=kept or None,
    )
    bare = encode(ResultMessage(results=[result]), limit_bytes=None)
    body = bare if kept else filled(bare, ended.outcome)
    key = names.result_key(owner.report_to)
    properties = Properties(
        type=ResultMessage.TYPE,
        correlation_id=owner.id,
        priority=owner.priority,
        app_id=APP_ID,
        headers=headers_below(owner.trace, owner.id),
    )
    return Parcel(
        Outgoing(names.RESULTS, key, body, properties), owner=owner.id, reported=[owner.id], replay=owner.replays
    )


def control(message: Control, key: str) -> Parcel:
    """What running agents are told; nobody may be there to hear it."""
    return Parcel(_plain(names.CONTROL, key, message, mandatory=False))


def _bundle_key(unsent: Unsent) -> tuple[str, str, str, str, int, float, int]:
    deadline_at = unsent.deadline_at or 0.0
    return unsent.kind, unsent.owner, unsent.team, unsent.skill or "", unsent.priority, deadline_at, unsent.replay


def _bundles(members: list[Unsent], size: int, room_bytes: int) -> Iterator[list[Unsent]]:
    """At most `size` tasks together, and no more than there is room for."""
    bundle: list[Unsent] = []
    used = 0
    for member in members:
        needed = size_bytes(member.input) + len(member.id) + TASK_BYTES
        if bundle and (len(bundle) == size or used + needed > room_bytes):
            yield bundle
            bundle, used = [], 0
        bundle.append(member)
        used += needed
    if bundle:
        yield bundle


def _bundle(members: list[Unsent], owner: str, team: str, skill: str, now: float) -> Parcel:
    first = members[0]
    head = f'{{"team":"{team}","skill":"{skill}","owner":"{owner}","priority":{first.priority},"tasks":['
    body = (head + ",".join(map(_task_text, members)) + "]}").encode()
    properties = Properties(
        type=TaskMessage.TYPE,
        correlation_id=first.id,
        priority=first.priority,
        expiration_ms=_expiration_ms(first.deadline_at, now),
        timestamp_s=int(now),
        app_id=APP_ID,
        headers=headers_below(first.trace, first.id if len(members) == 1 else owner),
    )
    message = Outgoing(names.TASKS, names.task_key(team, skill), body, properties)
    return Parcel(message, owner=owner, dispatched=[member.id for member in members], replay=first.replay)


def _task_text(task: Unsent) -> str:
    """A `Task` as JSON; its input is JSON text already. Ids, teams and skills have no character to escape."""
    more = "" if task.deadline_at is None else f',"deadline_s":{task.deadline_at!r}'
    if task.replay:
        more += f',"replay":{task.replay}'
    if task.attempt > 1:  # the ledger plans first attempts; what is beyond is a replay
        more += f',"spent":{task.attempt - 1}' + (f',"tried":{task.history}' if task.history else "")
    return f'{{"id":"{task.id}","attempt":{task.attempt}{more},"input":{task.input}}}'


def _assignment(task: Unsent, now: float) -> Parcel:
    fields = {"id": task.id, "owner": task.owner, "team": task.team, "report_to": task.report_to}
    numbers = {"priority": task.priority, "attempt": task.attempt, "replay": task.replay}
    deadline = {} if task.deadline_at is None else {"deadline_s": task.deadline_at}
    head = to_json({**fields, **numbers, **deadline})
    body = f'{head[:-1]},"plan":{task.plan},"input":{task.input}}}'.encode()
    properties = Properties(
        type=Assignment.TYPE,
        correlation_id=task.id,
        priority=task.priority,
        expiration_ms=_expiration_ms(task.deadline_at, now),
        timestamp_s=int(now),
        app_id=APP_ID,
        headers=headers_below(task.trace, task.id),
    )
    message = Outgoing(names.TASKS, names.assign_key(task.team), body, properties)
    return Parcel(message, owner=project_of(task.id), dispatched=[task.id], replay=task.replay)


def _expiration_ms(deadline_at: float | None, now: float) -> int | None:
    """What is left, for the broker to see; beyond what it counts to, the ledger alone keeps the deadline."""
    if deadline_at is None or deadline_at - now > MAX_EXPIRATION_S:
        return None
    return max(1, int((deadline_at - now) * 1000))


def _plain(
    exchange: str, key: str, message: Message, *, mandatory: bool, headers: Mapping[str, Any] = NO_HEADERS
) -> Outgoing:
    properties = Properties(type=message.TYPE, app_id=APP_ID, headers=headers)
    return Outgoing(exchange, key, encode(message), properties, mandatory=mandatory)
