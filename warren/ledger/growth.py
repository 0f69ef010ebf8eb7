"""How large the trees of projects have become."""

from __future__ import annotations

from operator import attrgetter
from typing import Final

from sqlalchemy import func, literal, select

from warren.ids import SEPARATOR
from warren.ledger.projection import AFTER_SEPARATOR
from warren.ledger.schema import IS_OPEN, IS_PROJECT, tasks
from warren.ledger.transaction import Transaction

_PARTS: Final = tasks.alias("parts")
_SIZE: Final = (
    select(func.count())
    .where(_PARTS.c.id > tasks.c.id + literal(SEPARATOR), _PARTS.c.id < tasks.c.id + literal(AFTER_SEPARATOR))
    .correlate(tasks)
    .scalar_subquery()
)
_SIZES: Final = select(tasks.c.id, _SIZE.label("size")).where(IS_PROJECT, IS_OPEN)
"""Neither ordered by id nor limited by size: SQLite would walk through the whole table, or count twice."""


def overgrown(transaction: Transaction, limit: int) -> dict[str, int]:
    """The open projects with more tasks and assignments than `limit`, and how many each has.

    It counts them all: something to be asked every few seconds, not for every message.
    """
    sizes = transaction.connection.execute(_SIZES)
    return {row.id: row.size for row in sorted(sizes, key=attrgetter("id")) if row.size > limit}
