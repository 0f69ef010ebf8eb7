"""The task table as its own outbox: what is committed and not yet confirmed by the broker, or not yet reported."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, case, func, literal_column, select

from topology.names import DIRECTOR
from warren.ledger.id_list import is_among
from warren.ledger.schema import HAS_ENDED, IS_COORDINATED, IS_OPEN, IS_PROJECT, plans, tasks
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
    replay: int = 0
    """The replay that it is sent for."""
    history: str | None = None
    """The attempts before its replay, as JSON text."""


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
    replay: int


_SENDER: Final = case(
    (tasks.c.kind == literal_column("'task'"), tasks.c.team),
    (tasks.c.kind == literal_column("'assignment'"), plans.c.report_to),
    else_=literal_column(f"'{DIRECTOR}'"),
)
"""Whose plan it belongs to: a team's lead, or the director. Nobody else may send it."""
_REPORTER: Final = case(
    (tasks.c.kind == literal_column("'assignment'"), tasks.c.team), else_=literal_column(f"'{DIRECTOR}'")
)
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
        tasks.c.replays,
        tasks.c.history,
    )
    .outerjoin(plans, plans.c.id == tasks.c.id)
    .outerjoin(_OWNERS, _OWNERS.c.id == tasks.c.owner)
    .where(IS_OPEN, tasks.c.dispatched_at.is_(None), tasks.c.owner.is_not(None))
)
_AT_ONCE: Final = tasks.c.not_before_at.is_(None)
_IS_FREE: Final = func.coalesce(tasks.c.leased_until, 0.0) <= bindparam("now")
"""Nobody else is about to send or to report it."""
_UNSENT_OF: Final = _UNSENT.where(is_among(tasks.c.owner, "owners"), _AT_ONCE)
_STALE: Final = (
    _UNSENT.where(tasks.c.created_at < bindparam("before"), _AT_ONCE, _IS_FREE)
    .order_by(tasks.c.created_at)
    .limit(bindparam("limit"))
)
_DUE: Final = (
    _UNSENT.where(tasks.c.not_before_at <= bindparam("now"), _IS_FREE)
    .order_by(tasks.c.not_before_at)
    .limit(bindparam("limit"))
    .with_for_update(of=tasks, skip_locked=True)
)
_DUE_PROJECTS: Final = (
    select(tasks.c.id)
    .where(IS_OPEN, IS_PROJECT, tasks.c.dispatched_at.is_(None), tasks.c.started_at.is_(None))
    .where(tasks.c.not_before_at <= bindparam("now"))
    .order_by(tasks.c.not_before_at)
    .limit(bindparam("limit"))
)
_NEXT_DUE: Final = (
    select(func.min(func.coalesce(tasks.c.leased_until, tasks.c.not_before_at)))
    .outerjoin(plans, plans.c.id == tasks.c.id)
    .where(IS_OPEN, tasks.c.dispatched_at.is_(None), tasks.c.started_at.is_(None), tasks.c.not_before_at.is_not(None))
)
_UNREPORTED: Final = (
    select(tasks.c.id, tasks.c.kind)
    .where(IS_COORDINATED, HAS_ENDED, tasks.c.reported_at.is_(None))
    .where(tasks.c.ended_at < bindparam("before"), _IS_FREE)
    .order_by(tasks.c.ended_at)
    .limit(bindparam("limit"))
)
_OVERDUE: Final = (
    select(tasks.c.id, tasks.c.owner, tasks.c.kind, tasks.c.attempt, tasks.c.replays)
    .outerjoin(plans, plans.c.id == tasks.c.id)
    .where(IS_OPEN, tasks.c.deadline_at < bindparam("now"))
    .order_by(tasks.c.deadline_at, tasks.c.id)
    .limit(bindparam("limit"))
)


def unsent_of(transaction: Transaction, owners: list[str]) -> list[Unsent]:
    """What these owners have planned and the broker has not confirmed."""
    return [_unsent(row) for row in transaction.connection.execute(_UNSENT_OF, {"owners": owners})]


def due(transaction: Transaction, now: float, limit: int, sender: str | None = None) -> list[Unsent]:
    """What was to wait until now; others who look at the same time skip it."""
    statement = _of(_DUE, _SENDER, sender)
    return [_unsent(row) for row in transaction.connection.execute(statement, {"now": now, "limit": limit})]


def due_projects(transaction: Transaction, now: float, limit: int) -> list[str]:
    """Projects that were not to begin before now, and have not begun."""
    return list(transaction.connection.execute(_DUE_PROJECTS, {"now": now, "limit": limit}).scalars())


def next_due(transaction: Transaction, sender: str | None = None) -> float | None:
    """When the next of all that wait is due (Unix seconds)."""
    moment: float | None = transaction.connection.execute(_of(_NEXT_DUE, _SENDER, sender)).scalar()
    return moment


def stale_unsent(
    transaction: Transaction, before: float, now: float, limit: int, sender: str | None = None
) -> list[Unsent]:
    """The oldest that were planned before `before` (Unix seconds) and never confirmed; other sweepers skip them."""
    statement = _locked(_of(_STALE, _SENDER, sender))
    about = {"before": before, "now": now, "limit": limit}
    return [_unsent(row) for row in transaction.connection.execute(statement, about)]


def stale_unreported(
    transaction: Transaction, before: float, now: float, limit: int, reporter: str | None = None
) -> list[Unreported]:
    """The oldest outcomes from before `before` (Unix seconds) that nobody has confirmed to have heard."""
    statement = _locked(_of(_UNREPORTED, _REPORTER, reporter))
    rows = transaction.connection.execute(statement, {"before": before, "now": now, "limit": limit})
    return [Unreported(*tuple(row)) for row in rows]


def overdue(transaction: Transaction, now: float, limit: int, sender: str | None = None) -> list[Overdue]:
    """Open projects, assignments and tasks whose deadline passed the longest ago; parents before children."""
    statement = _of(_OVERDUE, _SENDER, sender)
    rows = transaction.connection.execute(statement, {"now": now, "limit": limit})
    return sorted((Overdue(*tuple(row)) for row in rows), key=attrgetter("id"))


def is_anything_stale(transaction: Transaction, before: float, now: float, whose: str) -> bool:
    """Whether a sweeper has something to do. It asks by reading: most of the time the answer is no."""
    about = {"before": before, "now": now, "limit": 1}
    looks = (_of(_STALE, _SENDER, whose), _of(_UNREPORTED, _REPORTER, whose), _of(_OVERDUE, _SENDER, whose))
    return any(transaction.connection.execute(look, about).first() is not None for look in looks)


@cache  # sweepers ask again and again, and what SQLAlchemy knows of a statement it keeps with the statement
def _locked(statement: Select[Any]) -> Select[Any]:
    """What others have locked, they are about to send or to report."""
    return statement.with_for_update(of=tasks, skip_locked=True)


@cache
def _of(statement: Select[Any], whose: ColumnElement[Any], name: str | None) -> Select[Any]:
    """Only what is the director's, or a team's; everything if no name is given."""
    return statement if name is None else statement.where(whose == name)


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
        replay=row.replays,
        history=row.history,
    )
