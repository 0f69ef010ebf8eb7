"""A dead letter, read: what was given up, why, when and by whom, whoever gave it up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from topology import names
from warren.broker import dead_letter
from warren.broker.port import Delivery
from warren.errors import InvalidInput
from warren.ids import project_of
from warren.messages.assignment import Assignment
from warren.messages.codec import decode, from_json
from warren.messages.command import Again
from warren.messages.task import TaskMessage

Kind = Literal["task", "assignment", "project", "other"]

BY_BROKER: Final = {
    "expired": "it waited in its queue beyond its deadline",
    "delivery_limit": "it was handed out again and again and never settled: workers may have died of it",
    "maxlen": "its queue was full",
    "rejected": "whoever had it refused it without a reason",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """Times are Unix seconds. `owner` is the team whose queue it lies in, or `director`; `number` counts from 1."""

    number: int
    owner: str
    kind: Kind
    code: str
    message: str
    pointer: str = ""
    type: str = ""
    traceback: str = ""
    agent: str = ""
    team: str = ""
    skill: str = ""
    tasks: tuple[Again, ...] = ()
    attempts: int | None = None
    sent_s: float | None = None
    started_s: float | None = None
    given_up_s: float | None = None
    exchange: str = ""
    routing_key: str = ""
    delivery: Delivery = field(kw_only=True)

    @property
    def projects(self) -> set[str]:
        return {project_of(task.id) for task in self.tasks}

    @property
    def died_s(self) -> float | None:
        """When it was given up, or at least sent."""
        return self.given_up_s or self.sent_s

    def content(self) -> Any:
        """The message as it was: JSON where it is that, else text."""
        try:
            return from_json(self.delivery.body)
        except ValueError:
            return self.delivery.body.decode("utf-8", "replace")


def read_letter(delivery: Delivery, owner: str, number: int) -> Letter:
    """What a delivery of a dead-letter queue says. There is nothing that it cannot read."""
    headers, death = delivery.properties.headers, dead_letter.last_death(delivery.properties.headers)
    facts = _told(headers) if dead_letter.CODE in headers or death is None else _by_broker(death)
    sent_s = delivery.properties.timestamp_s
    return Letter(
        number=number, owner=owner, sent_s=sent_s, **facts, **_about(delivery, facts["routing_key"]), delivery=delivery
    )


def _told(headers: Mapping[str, Any]) -> dict[str, Any]:
    """One of us gave it up, and said so."""
    return {
        "code": _text(headers, dead_letter.CODE) or "unknown",
        "message": _text(headers, dead_letter.REASON),
        "pointer": _text(headers, dead_letter.POINTER),
        "type": _text(headers, dead_letter.TYPE),
        "traceback": _text(headers, dead_letter.TRACEBACK),
        "agent": _text(headers, dead_letter.AGENT),
        "exchange": _text(headers, dead_letter.EXCHANGE),
        "routing_key": _text(headers, dead_letter.ROUTING_KEY),
        "started_s": _seconds(headers.get(dead_letter.STARTED_MS)),
        "given_up_s": _seconds(headers.get(dead_letter.GIVEN_UP_MS)),
    }


def _by_broker(death: Mapping[str, Any]) -> dict[str, Any]:
    reason, moment, keys = str(death.get("reason", "unknown")), death.get("time"), death.get("routing-keys") or [""]
    return {
        "code": reason,
        "message": BY_BROKER.get(reason, "the broker gave it up"),
        "agent": "broker",
        "exchange": str(death.get("exchange", "")),
        "routing_key": str(keys[0]),
        "given_up_s": moment.timestamp() if isinstance(moment, datetime) else None,
    }


def _about(delivery: Delivery, routing_key: str) -> dict[str, Any]:
    limit_bytes = len(delivery.body)
    try:
        match delivery.properties.type:
            case TaskMessage.TYPE:
                return _of_tasks(decode(TaskMessage, delivery.body, limit_bytes))
            case Assignment.TYPE:
                return _of_assignment(decode(Assignment, delivery.body, limit_bytes))
    except InvalidInput:
        return {"kind": "other"}
    return {"kind": "project" if routing_key.startswith(names.project_key("")) else "other"}


def _of_tasks(message: TaskMessage) -> dict[str, Any]:
    return {
        "kind": "task",
        "team": message.team,
        "skill": message.skill,
        "tasks": tuple(Again(id=task.id, attempt=max(task.attempt, 1)) for task in message.tasks),
        "attempts": max(task.attempt for task in message.tasks),
    }


def _of_assignment(message: Assignment) -> dict[str, Any]:
    again = Again(id=message.id, attempt=max(message.attempt, 1))
    return {"kind": "assignment", "team": message.team, "tasks": (again,), "attempts": message.attempt}


def _text(headers: Mapping[str, Any], name: str) -> str:
    value = headers.get(name, "")
    return value if isinstance(value, str) else str(value)


def _seconds(value: Any) -> float | None:
    return value / 1000 if isinstance(value, int) else None
