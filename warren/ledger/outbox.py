"""The task table as its own outbox: what is committed and not yet confirmed by the broker, or not yet reported."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import bindparam, select

from warren.ledger.id_list import is_among
from warren.ledger.schema import HAS_ENDED, IS_COORDINATED, IS_OPEN, plans, tasks
from warren.ledger.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Unsent:
    """A task or an assignment that the broker has not confirmed; `plan` and `report_to` are an assignment's.

    `input` and `plan` are JSON text, as they were written and as they go into messages.
    """

    id: str
    owner: str
    kind: str
    team: str
    skill: str | None
    attempt: int
    priority: int
    deadline_at: float | None
    input: str
    plan: str | None = None
    report_to: str | None = None
    trace: str | None = None
    """The trace context of its project, as text."""


@dataclass(frozen=True, slots=True)
class Unreported:
    """A project or an assignment that has ended, of which nobody upward has been told."""

    id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Overdue:
    """Something open whose deadline has passed; `owner` is None for a project."""

    id: str
    owner: str | None
    kind: str
    attempt: int


_OWNERS: Final = plans.alias("owners")
_UNSENT: Final = (
    select(
        tasks.c.id,
        tasks.c.owner,
        tasks.c.kind,
        tasks.c.team,
        tasks.c.skill,
        tasks.c.attempt,
        tasks.c.priority,
        tasks.c.deadline_at,
        tasks.c.input,
        plans.c.plan,
        plans.c.report_to,
        _OWNERS.c.trace,
    )
    .outerjoin(plans, plans.c.id == tasks.c.id)
    .outerjoin(_OWNERS, _OWNERS.c.id == tasks.c.owner)
    .where(IS_OPEN, tasks.c.dispatched_at.is_(None), tasks.c.owner.is_not(None))
)
_UNSENT_OF: Final = _UNSENT.where(is_among(tasks.c.owner, "owners"))
_STALE: Final = (
    _UNSENT.where(tasks.c.created_at < bindparam("before"))
    .order_by(tasks.c.created_at)
    .limit(bindparam("limit"))
    .with_for_update(of=tasks, skip_locked=True)
)
_UNREPORTED: Final = (
    select(tasks.c.id, tasks.c.kind)
    .where(IS_COORDINATED, HAS_ENDED, tasks.c.reported_at.is_(None))
    .where(tasks.c.ended_at < bindparam("before"))
    .order_by(tasks.c.ended_at)
    .limit(bindparam("limit"))
    .with_for_update(of=tasks, skip_locked=True)
)
_OVERDUE: Final = (
    select(tasks.c.id, tasks.c.owner, tasks.c.kind, tasks.c.attempt)
    .where(IS_OPEN, tasks.c.deadline_at < bindparam("now"))
    .order_by(tasks.c.deadline_at, tasks.c.id)
    .limit(bindparam("limit"))
)


def unsent_of(transaction: Transaction, owners: list[str]) -> list[Unsent]:
    """What these owners have planned and the broker has not confirmed."""
    return [_unsent(row) for row in transaction.connection.execute(_UNSENT_OF, {"owners": owners})]


def stale_unsent(transaction: Transaction, before: float, limit: int) -> list[Unsent]:
    """The oldest that were planned before `before` (Unix seconds) and never confirmed; other sweepers skip them."""
    rows = transaction.connection.execute(_STALE, {"before": before, "limit": limit})
    return [_unsent(row) for row in rows]


def stale_unreported(transaction: Transaction, before: float, limit: int) -> list[Unreported]:
    rows = transaction.connection.execute(_UNREPORTED, {"before": before, "limit": limit})
    return [Unreported(*tuple(row)) for row in rows]


def overdue(transaction: Transaction, now: float, limit: int) -> list[Overdue]:
    """Open projects, assignments and tasks whose deadline passed the longest ago; parents before children."""
    rows = transaction.connection.execute(_OVERDUE, {"now": now, "limit": limit})
    return sorted((Overdue(*tuple(row)) for row in rows), key=attrgetter("id"))


def _unsent(row: Any) -> Unsent:
    return Unsent(
        id=row.id,
        owner=row.owner,
        kind=row.kind,
        team=row.team,
        skill=row.skill,
        attempt=row.attempt,
        priority=row.priority,
        deadline_at=row.deadline_at,
        input=row.input,
        plan=row.plan,
        report_to=row.report_to,
        trace=row.trace,
    )
