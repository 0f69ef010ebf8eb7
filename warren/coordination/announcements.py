"""What happened, for everybody who listens: CloudEvents about projects, assignments and tasks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from topology import names
from topology.events import Events
from warren.broker.port import Outgoing, Properties
from warren.coordination.carriage import headers_below
from warren.coordination.effects import Effects, Ended
from warren.coordination.parcel import APP_ID, Parcel
from warren.ids import project_of
from warren.ledger.transaction import Owner, TaskState
from warren.messages.codec import encode
from warren.messages.event import Event
from warren.messages.message import JsonObject
from warren.messages.result import Result
from warren.telemetry.context import STATE

STARTED: Final = "started"


def announcements(effects: Effects, wanted: Events, now: float) -> Iterator[Parcel]:
    """The events that follow from effects. What ended is told when it is reported, by `told_of`."""
    for owner in effects.reopened:
        yield project_event(owner, "reopened", now)
    if wanted.assignments:
        yield from (assignment_event(owner, STARTED, now) for owner in effects.begun if owner.kind == "assignment")
    for result, state in effects.settled:
        if wanted.assignments if state.kind == "assignment" else wanted.tasks:
            yield _settled_event(result, state, effects.traces.get(result.owner))


def told_of(ended: Ended, wanted: Events) -> Iterator[Parcel]:
    """The event of an assignment that its own lead has ended; a project's goes with the answer to its client."""
    if ended.owner.kind == "assignment" and wanted.assignments:
        yield assignment_event(ended.owner, ended.outcome.status, ended.ended_s)


def project_event(owner: Owner, status: str, at: float) -> Parcel:
    """That a project was accepted or has ended."""
    data = {"project": owner.id, "playbook": owner.playbook, "status": status}
    number = f":{owner.replays}" if owner.replays else ""
    return _event(f"project.{status}", owner.id, f"{status}{number}", at, data, owner.trace)


def assignment_event(owner: Owner, status: str, at: float) -> Parcel:
    """That a team's lead has begun an assignment, or how it ended."""
    data = {"project": project_of(owner.id), "assignment": owner.id, "team": owner.team, "status": status}
    key = f"assignment.{status}.{owner.team}"
    return _event(key, owner.id, f"{status}:{owner.replays}", at, data, owner.trace)


def _settled_event(result: Result, state: TaskState, trace: str | None) -> Parcel:
    """How a task ended; or an assignment that its lead did not end, as it expired in its queue."""
    status, place = result.outcome.status, {"project": project_of(result.id), state.kind: result.id}
    data: JsonObject = {**place, "team": state.team, "status": status}
    words = [state.kind, status, state.team or ""]
    if state.skill is not None:
        words.append(state.skill)
        data |= {"skill": state.skill, "attempt": result.attempt, "agent": result.agent}
        data |= {"started_s": result.started_s, "ended_s": result.ended_s}
    return _event(".".join(words), result.id, f"{status}:{state.replays}", result.ended_s, data, trace)


def _event(key: str, subject: str, number: str, at: float, data: JsonObject, trace: str | None) -> Parcel:
    """`number` tells the events of one subject from each other; the same event has the same id, sent twice or not."""
    below: dict[str, Any] = dict(headers_below(trace, subject, only=STATE))
    what, status = key.split(".")[:2]
    happened = Event(
        specversion="1.0",
        id=f"{subject}:{number}",
        source="/warren/director" if what == "project" else f"/warren/teams/{data['team']}",
        type=f"warren.{what}.{status}",
        subject=subject,
        time=datetime.fromtimestamp(at, UTC),
        datacontenttype="application/json",
        data=data,
        **below,
    )
    properties = Properties(type=Event.TYPE, app_id=APP_ID, headers=below)
    return Parcel(Outgoing(names.EVENTS, key, encode(happened), properties, mandatory=False))
