"""How something in the ledger ended, as the outcome that it was."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select

from warren.ledger.schema import tasks
from warren.ledger.transaction import Transaction
from warren.messages.codec import from_json
from warren.messages.outcome import Cancelled, ErrorInfo, Expired, Failed
from warren.messages.written import AnyEnd, Written

_ENDED: Final = select(tasks.c.status, tasks.c.output, tasks.c.error, tasks.c.ended_at).where(
    tasks.c.id == bindparam("id")
)


def ended(transaction: Transaction, task_id: str) -> tuple[AnyEnd, float] | None:
    """(outcome, Unix seconds) of a project, an assignment or a task; None while it is open or unknown."""
    row = transaction.connection.execute(_ENDED, {"id": task_id}).first()
    if row is None or row.status == "open":
        return None
    return outcome_of(row.status, row.output, row.error), row.ended_at


def outcome_of(status: str, output: str | None, error: str | None) -> AnyEnd:
    """The outcome in a row's columns."""
    if status == "succeeded":
        return Written(output or "{}")
    info = from_json(error or "{}")
    match status:
        case "cancelled":
            return Cancelled(reason=info.get("message", ""))
        case "expired":
            return Expired(reason=info.get("message", ""))
        case _:
            return Failed(error=ErrorInfo.model_validate(info))
