"""What was given up in a project, and what stands above it: read before any of it is opened again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, union_all

from warren.ids import SEPARATOR
from warren.ledger.ended import outcome_of
from warren.ledger.event import STOPPED_ERROR
from warren.ledger.id_list import is_among
from warren.ledger.projection import AFTER_SEPARATOR
from warren.ledger.schema import HAS_ENDED, nodes, tasks
from warren.ledger.transaction import Transaction
from warren.messages.written import AnyEnd


@dataclass(frozen=True, slots=True)
class Lost:
    """A project, an assignment or a task, as far as its replay needs it. Times are Unix seconds."""

    id: str
    kind: str
    owner: str | None
    team: str | None
    skill: str | None
    status: str
    attempt: int
    replays: int
    deadline_at: float | None
    not_before_at: float | None
    started_at: float | None
    dispatched_at: float | None
    ended_at: float | None
    agent: str | None
    error: str | None
    history: str | None

    @property
    def was_stopped(self) -> bool:
        """Whether it was open when something above it ended."""
        return self.error == STOPPED_ERROR


@dataclass(frozen=True, slots=True)
class LostNode:
    """A node of a plan."""

    path: str
    owner: str
    status: str
    error: str | None

    @property
    def was_stopped(self) -> bool:
        return self.error == STOPPED_ERROR


_LOST: Final = select(
    tasks.c.id,
    tasks.c.kind,
    tasks.c.owner,
    tasks.c.team,
    tasks.c.skill,
    tasks.c.status,
    tasks.c.attempt,
    tasks.c.replays,
    tasks.c.deadline_at,
    tasks.c.not_before_at,
    tasks.c.started_at,
    tasks.c.dispatched_at,
    tasks.c.ended_at,
    tasks.c.agent,
    tasks.c.error,
    tasks.c.history,
)
_NAMED: Final = _LOST.where(is_among(tasks.c.id, "ids"))
_NODES: Final = select(nodes.c.path, nodes.c.owner, nodes.c.status, nodes.c.error)
_NAMED_NODES: Final = _NODES.where(is_among(nodes.c.path, "ids"))
_STOPPED: Final = _LOST.where(
    tasks.c.id > bindparam("low"), tasks.c.id < bindparam("high"), HAS_ENDED, tasks.c.error == STOPPED_ERROR
)
_STOPPED_NODES: Final = _NODES.where(
    nodes.c.path > bindparam("low"), nodes.c.path < bindparam("high"), nodes.c.error == STOPPED_ERROR
)
_ENDED: Final = union_all(
    select(tasks.c.id, tasks.c.status, tasks.c.output, tasks.c.error).where(is_among(tasks.c.id, "ids"), HAS_ENDED),
    select(nodes.c.path, nodes.c.status, nodes.c.output, nodes.c.error).where(
        is_among(nodes.c.path, "ids"), nodes.c.status != "open"
    ),
)


def lost(transaction: Transaction, ids: list[str]) -> dict[str, Lost]:
    """The tasks, assignments and projects of these ids, ended or not."""
    return {row.id: Lost(*tuple(row)) for row in transaction.connection.execute(_NAMED, {"ids": ids})}


def lost_nodes(transaction: Transaction, paths: list[str]) -> dict[str, LostNode]:
    """The nodes at these paths."""
    return {row.path: LostNode(*tuple(row)) for row in transaction.connection.execute(_NAMED_NODES, {"ids": paths})}


def stopped_below(transaction: Transaction, subtree: str) -> tuple[dict[str, Lost], dict[str, LostNode]]:
    """All that was stopped strictly below."""
    span = {"low": subtree + SEPARATOR, "high": subtree + AFTER_SEPARATOR}
    rows = transaction.connection.execute(_STOPPED, span)
    found = {row.id: Lost(*tuple(row)) for row in rows}
    return found, {row.path: LostNode(*tuple(row)) for row in transaction.connection.execute(_STOPPED_NODES, span)}


def outcomes(transaction: Transaction, ids: list[str]) -> dict[str, AnyEnd]:
    """How those of these tasks, assignments and nodes that have ended did so."""
    rows = transaction.connection.execute(_ENDED, {"ids": ids})
    return {row.id: outcome_of(row.status, row.output, row.error) for row in rows}
