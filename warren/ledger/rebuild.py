"""Proves that the projection follows from the events, makes it follow again, and shows it as it once was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, text

from warren.errors import InvalidInput
from warren.ledger.bulk import Bulk
from warren.ledger.comparison import PAGE, Comparison, Difference, compared, rows_of
from warren.ledger.event import Row
from warren.ledger.history import NOW, Until
from warren.ledger.ledger import Ledger
from warren.ledger.replay import replay, scratch
from warren.ledger.schema import PROJECTIONS
from warren.ledger.transaction import Transaction
from warren.ledger.work import T, Work

LOCK: Final = "LOCK TABLE tasks, plans, nodes, events IN EXCLUSIVE MODE"


@dataclass(frozen=True, slots=True)
class Report:
    """What a rebuild found; `difference_count` may be more than the `differences` that are listed."""

    events: int
    rows: dict[str, int]
    differences: list[Difference]
    difference_count: int
    repaired: bool = False

    @property
    def is_equal(self) -> bool:
        return self.difference_count == 0


async def rebuild(ledger: Ledger, *, until: Until = NOW, apply: bool = False) -> Report:
    """Replay all events and compare what they make with the live rows; with `apply`, put it in their place.

    Without `apply` it reads one moment's state and keeps nobody waiting. With it, all writers wait until it is done.
    With `until` the differences are what has happened since. Raises InvalidInput for events that cannot be replayed,
    and for `apply` with `until`, which would undo what was done.
    """
    if not apply:
        return await ledger.read(lambda transaction: _checked(transaction.connection, until))
    if not until.is_now:
        raise InvalidInput("rebuild_until", "a rebuild of an earlier moment can only be looked at, not be applied")
    return await ledger.transact(_repaired)


async def as_of(ledger: Ledger, until: Until, work: Work[T]) -> T:
    """What `work`, such as a query, returns on the projection as it was."""

    def replayed(transaction: Transaction) -> T:
        with scratch() as past:
            replay(transaction.connection, past, until)
            return work(Transaction(past))

    return await ledger.read(replayed)


def _checked(live: Connection, until: Until) -> Report:
    with scratch() as rebuilt:
        events = replay(live, rebuilt, until)
        return _report(events, compared(live, rebuilt))


def _repaired(transaction: Transaction) -> Report:
    live = transaction.connection
    if live.dialect.name == "postgresql":
        live.execute(text(LOCK))
    with scratch() as rebuilt:
        events = replay(live, rebuilt)
        comparison = compared(live, rebuilt)
        if comparison.count:
            _replace(live, rebuilt)
        return _report(events, comparison, repaired=comparison.count > 0)


def _replace(live: Connection, rebuilt: Connection) -> None:
    for table in PROJECTIONS:
        live.execute(delete(table))
        put = Bulk(insert(table), [column.name for column in table.columns])
        page: list[Row] = []
        for row in rows_of(rebuilt, table):
            page.append(row)
            if len(page) == PAGE:
                put.execute(live, page)
                page = []
        put.execute(live, page)


def _report(events: int, comparison: Comparison, *, repaired: bool = False) -> Report:
    return Report(events, comparison.rows, comparison.differences, comparison.count, repaired)
