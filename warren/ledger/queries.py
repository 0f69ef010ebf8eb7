"""The read side: where projects stand and how they ended, for clients and operators."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, func, or_, select

from warren.ledger.ended import ended
from warren.ledger.schema import IS_OPEN, IS_PROJECT, plans, tasks
from warren.ledger.transaction import Transaction
from warren.ledger.tree import tree
from warren.messages.codec import from_json
from warren.messages.message import JsonObject
from warren.messages.outcome import ErrorInfo
from warren.messages.reply import Status
from warren.messages.written import Ending

MAX_PROJECTS: Final = 1_000

_HEAD: Final = (
    select(
        tasks.c.id,
        plans.c.playbook,
        tasks.c.status,
        tasks.c.created_at,
        tasks.c.ended_at,
        tasks.c.error,
        tasks.c.replays,
    )
    .join(plans, plans.c.id == tasks.c.id)
    .where(tasks.c.id == bindparam("id"), IS_PROJECT)
)
_PROJECTS: Final = (
    select(tasks.c.id, plans.c.playbook, tasks.c.status, tasks.c.created_at, tasks.c.ended_at)
    .join(plans, plans.c.id == tasks.c.id)
    .where(IS_PROJECT)
    .order_by(tasks.c.created_at.desc(), tasks.c.id.desc())
    .limit(bindparam("limit"))
)
_UNDER_WAY: Final = select(func.count()).where(
    IS_PROJECT, IS_OPEN, or_(tasks.c.not_before_at.is_(None), tasks.c.not_before_at <= bindparam("now"))
)


def status(transaction: Transaction, project: str) -> Status | None:
    """Where a project stands; None if there is no such project."""
    head = transaction.connection.execute(_HEAD, {"id": project}).first()
    if head is None:
        return None
    return Status(
        project=project,
        playbook=head.playbook,
        status=head.status,
        accepted_s=head.created_at,
        ended_s=head.ended_at,
        tree=tree(transaction, project, head.playbook or ""),
        error=None if head.error is None else ErrorInfo.model_validate(from_json(head.error)),
    )


def finished(transaction: Transaction, project: str) -> Ending | None:
    """How a project ended; None while it runs, and if there is no such project."""
    head = transaction.connection.execute(_HEAD, {"id": project}).first()
    found = None if head is None else ended(transaction, project)
    if head is None or found is None:
        return None
    outcome, ended_s = found
    return Ending(outcome, head.created_at, ended_s, head.replays)


def projects(transaction: Transaction, limit: int) -> list[JsonObject]:
    """The newest projects first, at most `limit` of them."""
    rows = transaction.connection.execute(_PROJECTS, {"limit": max(0, min(limit, MAX_PROJECTS))})
    return [
        {
            "id": row.id,
            "playbook": row.playbook,
            "status": row.status,
            "accepted_s": row.created_at,
            "ended_s": row.ended_at,
        }
        for row in rows
    ]


def under_way(transaction: Transaction, now: float) -> int:
    """How many projects have begun and not ended; those that wait for their time cost nothing."""
    return int(transaction.connection.execute(_UNDER_WAY, {"now": now}).scalar_one())
