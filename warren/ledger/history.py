"""Events as rows and back: how they are written, and how all that happened is read again in its order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, select

from warren.errors import InvalidInput
from warren.ids import project_of
from warren.ledger.event import EVENTS, LedgerEvent, Row
from warren.ledger.schema import events
from warren.messages.codec import from_json, to_json

PAGE: Final = 500
"""Rows that are read at a time; an event can speak of some hundred tasks."""

_PAGE: Final = select(events).where(events.c.seq > bindparam("after")).order_by(events.c.seq).limit(PAGE)


@dataclass(frozen=True, slots=True)
class Until:
    """How far a history is read: up to an event's number, and up to a moment by its writer's clock (Unix seconds)."""

    seq: int | None = None
    at: float | None = None

    @property
    def is_now(self) -> bool:
        return self.seq is None and self.at is None


NOW: Final = Until()


def event_row(event: LedgerEvent) -> Row:
    """An event as a row of the log."""
    data = {name: getattr(event, name) for name in event.__slots__ if name not in {"subject", "at"}}
    return {
        "at": event.at,
        "project": project_of(event.subject),
        "subject": event.subject,
        "type": event.TYPE,
        "data": to_json(data),
    }


def event_of(row: Any) -> LedgerEvent:
    """The event in a row of the log. Raises InvalidInput for one that this version does not know."""
    kind = EVENTS.get(row.type)
    if kind is None:
        raise InvalidInput(
            "unknown_event",
            f"event {row.seq} of the ledger is a {row.type!r}, which this version of Warren does not know; "
            "use the version that wrote it, or a newer one",
        )
    try:
        event: LedgerEvent = kind(subject=row.subject, at=row.at, **from_json(row.data))
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            "damaged_event", f"event {row.seq} of the ledger ({row.type}) cannot be read: {error}"
        ) from None
    return event


def history(connection: Connection, until: Until = NOW) -> Iterator[tuple[int, LedgerEvent]]:
    """(number, event) of all that happened, in its order, a page at a time."""
    statement = _limited(until)
    after = 0
    while rows := connection.execute(statement, {"after": after}).all():
        for row in rows:
            yield row.seq, event_of(row)
        after = rows[-1].seq


def _limited(until: Until) -> Select[Any]:
    statement: Select[Any] = _PAGE
    if until.seq is not None:
        statement = statement.where(events.c.seq <= until.seq)
    if until.at is not None:
        statement = statement.where(events.c.at <= until.at)
    return statement
