"""Two projections, row by row: the live one, and the one that the events make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Column, Connection, Table, bindparam, select

from warren.ledger.event import Row
from warren.ledger.schema import PROJECTIONS

PAGE: Final = 500
MAX_LISTED: Final = 100
MAX_VALUE_CHARS: Final = 80


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is not what the events say; `column` is None where a whole row is missing or too much."""

    table: str
    id: str
    column: str | None
    live: str
    rebuilt: str

    def __str__(self) -> str:
        if self.column is None:
            return f"{self.table} {self.id}: the row is {self.live}, by the events it is {self.rebuilt}"
        return f"{self.table} {self.id}: {self.column} is {self.live}, by the events it is {self.rebuilt}"


@dataclass(slots=True)
class Comparison:
    """`rows` that were compared, by table; the first of `count` differences."""

    rows: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    count: int = 0

    def note(self, difference: Difference) -> None:
        self.count += 1
        if len(self.differences) < MAX_LISTED:
            self.differences.append(difference)


def compared(live: Connection, rebuilt: Connection) -> Comparison:
    """All rows of both, in the order of their ids; memory holds a page of each."""
    comparison = Comparison()
    for table in PROJECTIONS:
        pairs = 0
        for ours, theirs in _pairs(rows_of(live, table), rows_of(rebuilt, table), key_of(table).name):
            pairs += 1
            for difference in _differences(table, ours, theirs):
                comparison.note(difference)
        comparison.rows[table.name] = pairs
    return comparison


def key_of(table: Table) -> Column[str]:
    """The column that names a row."""
    key: Column[str] = next(iter(table.primary_key))
    return key


def rows_of(connection: Connection, table: Table) -> Iterator[Row]:
    """All rows in the order of their keys, a page at a time."""
    key = key_of(table)
    statement = select(table).where(key > bindparam("after")).order_by(key).limit(PAGE)
    after = ""
    while page := connection.execute(statement, {"after": after}).mappings().all():
        yield from map(dict, page)
        after = page[-1][key.name]


def _pairs(live: Iterator[Row], rebuilt: Iterator[Row], key: str) -> Iterator[tuple[Row | None, Row | None]]:
    ours, theirs = next(live, None), next(rebuilt, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours[key] < theirs[key]):
            yield ours, None
            ours = next(live, None)
        elif ours is None or theirs[key] < ours[key]:
            yield None, theirs
            theirs = next(rebuilt, None)
        else:
            yield ours, theirs
            ours, theirs = next(live, None), next(rebuilt, None)


def _differences(table: Table, ours: Row | None, theirs: Row | None) -> Iterator[Difference]:
    known = ours or theirs or {}
    row_id = known[key_of(table).name]
    if ours is None or theirs is None:
        yield Difference(table.name, row_id, None, _presence(ours), _presence(theirs))
        return
    for column, value in ours.items():
        if value != theirs[column]:
            yield Difference(table.name, row_id, column, _shown(value), _shown(theirs[column]))


def _presence(row: Row | None) -> str:
    return "missing" if row is None else "there"


def _shown(value: Any) -> str:
    text = "empty" if value is None else repr(value)
    return text if len(text) <= MAX_VALUE_CHARS else text[:MAX_VALUE_CHARS] + "…"
