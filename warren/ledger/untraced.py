"""Projects and assignments that have ended and whose spans nobody has exported yet."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import bindparam, select

from warren.ledger.event import Traced
from warren.ledger.schema import HAS_ENDED, IS_TO_TRACE, plans, tasks
from warren.ledger.transaction import Transaction

_UNTRACED: Final = (
    select(plans.c.id)
    .join(tasks, tasks.c.id == plans.c.id)
    .where(IS_TO_TRACE, HAS_ENDED, tasks.c.ended_at < bindparam("before"))
    .order_by(plans.c.id)
    .limit(bindparam("limit"))
)
_CLAIMED: Final[Any] = _UNTRACED.with_for_update(of=plans, skip_locked=True)


def claim_untraced(transaction: Transaction, before: float, limit: int, now: float) -> list[str]:
    """Ids of what ended before `before` (Unix seconds) and is to be exported by the caller, and by nobody else."""
    claimed = list(transaction.connection.execute(_CLAIMED, {"before": before, "limit": limit}).scalars())
    transaction.append(*(Traced(owner, now) for owner in claimed))
    return claimed
