"""What follows from events: the rows that coordinators work on. The same code serves live writes and rebuilding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, assert_never

from sqlalchemy import Connection, Table, bindparam, delete, insert, update

from warren.ids import SEPARATOR
from warren.ledger.event import (
    Dispatched,
    LedgerEvent,
    NodesChanged,
    Planned,
    ProjectAccepted,
    Reported,
    Row,
    Settled,
    Started,
    Stopped,
)
from warren.ledger.schema import nodes, plans, tasks

AFTER_SEPARATOR: Final = chr(ord(SEPARATOR) + 1)

_TASK: Final[Row] = {
    "owner": None,
    "parent": None,
    "position": 0,
    "team": None,
    "skill": None,
    "status": "open",
    "attempt": 1,
    "deadline_at": None,
}
_PLAN: Final[Row] = {"playbook": None, "reply_to": None, "correlation_id": None, "fingerprint": None, "labels": None}

_INSERT_TASKS: Final = insert(tasks)
_INSERT_PLANS: Final = insert(plans)
_INSERT_NODES: Final = insert(nodes)
_DELETE_NODES: Final = delete(nodes).where(nodes.c.path == bindparam("key"))
_START: Final = update(tasks).where(tasks.c.id == bindparam("key")).values(started_at=bindparam("moment"))
_DISPATCH: Final = update(tasks).where(tasks.c.id == bindparam("key")).values(dispatched_at=bindparam("moment"))
_REPORT: Final = update(tasks).where(tasks.c.id == bindparam("key")).values(reported_at=bindparam("moment"))
_SETTLE: Final = (
    update(tasks)
    .where(tasks.c.id == bindparam("key"))
    .values(
        status=bindparam("status"),
        output=bindparam("output"),
        error=bindparam("error"),
        agent=bindparam("agent"),
        attempt=bindparam("attempt"),
        started_at=bindparam("started_at"),
        ended_at=bindparam("ended_at"),
    )
)


def project(connection: Connection, happened: Iterable[LedgerEvent]) -> None:
    """Bring the projection up to date with the events, in their order."""
    for event in happened:
        _apply(connection, event)


def _apply(connection: Connection, event: LedgerEvent) -> None:
    match event:
        case ProjectAccepted():
            connection.execute(_INSERT_TASKS, [_task(event.task)])
            connection.execute(_INSERT_PLANS, [_plan(event.plan)])
        case Started():
            connection.execute(_START, [{"key": event.subject, "moment": event.at}])
        case Planned():
            _many(connection, _INSERT_TASKS, map(_task, event.tasks))
            _many(connection, _INSERT_PLANS, map(_plan, event.plans))
        case Dispatched():
            _many(connection, _DISPATCH, ({"key": key, "moment": event.at} for key in event.ids))
        case Reported():
            _many(connection, _REPORT, ({"key": key, "moment": event.at} for key in event.ids))
        case Settled():
            _many(connection, _SETTLE, map(_settled, event.tasks))
        case NodesChanged():
            _many(connection, _DELETE_NODES, ({"key": row["path"]} for row in event.nodes))
            _many(connection, _INSERT_NODES, event.nodes)
        case Stopped():
            _stop(connection, event)
        case _:
            assert_never(event)


def _stop(connection: Connection, event: Stopped) -> None:
    ended = {"status": event.status, "error": event.error, "ended_at": event.at}
    for table, key in ((tasks, tasks.c.id), (nodes, nodes.c.path)):
        low, high = event.subject + SEPARATOR, event.subject + AFTER_SEPARATOR
        connection.execute(update(table).where(key > low, key < high, _is_open(table)).values(**ended))


def _is_open(table: Table) -> Any:
    return table.c.status == "open"


def _many(connection: Connection, statement: Any, rows: Iterable[Row]) -> None:
    if parameters := list(rows):
        connection.execute(statement, parameters)


def _task(row: Row) -> Row:
    return {**_TASK, **row}


def _plan(row: Row) -> Row:
    return {**_PLAN, **row}


def _settled(row: Row) -> Row:
    settled = dict(row)
    settled["key"] = settled.pop("id")  # a column's name among the parameters would be set, not compared
    return settled
