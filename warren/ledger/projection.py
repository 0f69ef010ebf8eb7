"""What follows from events: the rows that coordinators work on. The same code serves live writes and rebuilding.

Rows are changed in the order of their ids, so that two transactions that change the same rows wait for each other
instead of blocking each other for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any, Final, assert_never

from sqlalchemy import (
    Connection,
    Float,
    Integer,
    Table,
    Text,
    Update,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)

from warren.ids import SEPARATOR
from warren.ledger.bulk import Bulk
from warren.ledger.event import (
    Dispatched,
    Leased,
    LedgerEvent,
    NodesChanged,
    Overtaken,
    Planned,
    Postponed,
    ProjectAccepted,
    Reopened,
    Reported,
    Row,
    Settled,
    Started,
    Stopped,
    Traced,
)
from warren.ledger.id_list import is_among
from warren.ledger.schema import HAS_ENDED, nodes, plans, tasks

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
    "replays": 0,
    "not_before_at": None,
}
_PLANNED: Final = (*_TASK, "id", "kind", "priority", "input", "created_at")
_PLAN: Final[Row] = {
    "playbook": None,
    "reply_to": None,
    "correlation_id": None,
    "fingerprint": None,
    "labels": None,
    "trace": None,
    "to_trace": None,
    "retold": 0,
    "reopened_at": None,
}
_OUTCOME: Final = ("status", "output", "error", "agent", "attempt", "started_at", "ended_at", "history")
_COURSE: Final = ("agent", "attempt", "started_at", "history")

_INSERT_TASKS: Final = Bulk(insert(tasks), _PLANNED)
_INSERT_PLANS: Final = Bulk(insert(plans), [column.name for column in plans.columns])
_INSERT_NODES: Final = Bulk(insert(nodes), [column.name for column in nodes.columns])
_SENT_AT: Final = case(
    (tasks.c.replays == bindparam("sent_for", type_=Integer), bindparam("sent_at", type_=Float(53))),
    else_=tasks.c.dispatched_at,
)
_SETTLE: Final = Bulk(
    update(tasks)
    .where(tasks.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in _OUTCOME} | {"dispatched_at": _SENT_AT}),
    ("key", *_OUTCOME, "sent_for", "sent_at"),
)
_OVERTAKE: Final = Bulk(
    update(tasks)
    .where(tasks.c.id == bindparam("key"), HAS_ENDED, tasks.c.started_at.is_(None))
    .values({name: bindparam(name) for name in _COURSE}),
    ("key", *_COURSE),
)
_TRACED: Final = update(plans).where(plans.c.id == bindparam("subject")).values(to_trace=bindparam("is_back"))
_DELETE_NODES: Final = delete(nodes).where(is_among(nodes.c.path, "ids"))


def _mark(column: str) -> Update:
    return update(tasks).where(is_among(tasks.c.id, "ids")).values({column: bindparam("moment")})


_START: Final = _mark("started_at")
_DISPATCH: Final = _mark("dispatched_at").where(tasks.c.replays == bindparam("replay"))
_REPORT: Final = _mark("reported_at").where(tasks.c.replays == bindparam("replay"))
_POSTPONE: Final = _mark("not_before_at")
_LEASE: Final = _mark("leased_until")
_AGAIN: Final = ("attempt", "replays", "deadline_at", "not_before_at", "started_at", "dispatched_at", "history")
_REOPEN: Final = Bulk(
    update(tasks)
    .where(tasks.c.id == bindparam("key"))
    .values(
        status=literal_column("'open'"),
        input=func.coalesce(bindparam("edited", type_=Text), tasks.c.input),
        **{name: bindparam(name) for name in _AGAIN},
        **dict.fromkeys(("output", "error", "agent", "ended_at", "reported_at", "leased_until"), null()),
    ),
    ("key", "edited", *_AGAIN),
)
_REOPEN_NODES: Final = (
    update(nodes)
    .where(is_among(nodes.c.path, "ids"))
    .values(status=literal_column("'open'"), output=null(), error=null(), ended_at=null())
)


# What is exported already is told again, as a further part of its trace.
_RETELL: Final = (
    update(plans)
    .where(is_among(plans.c.id, "ids"), plans.c.to_trace.is_(False))
    .values(to_trace=True, retold=plans.c.retold + 1, reopened_at=bindparam("moment"))
)


def _stop(table: Table, key: Any) -> Update:
    return (
        update(table)
        .where(key > bindparam("low"), key < bindparam("high"), table.c.status == literal_column("'open'"))
        .values(status=bindparam("ended"), error=bindparam("reason"), ended_at=bindparam("moment"))
    )


_UNKEYED_ID: Final = func.coalesce(tasks.c.id, "")
"""An id that no database looks for in the primary key: what is open is then found in its own index."""
_STOP_TASKS: Final = _stop(tasks, tasks.c.id)
_STOP_TASKS_AMONG_MANY: Final = _stop(tasks, _UNKEYED_ID).where(tasks.c.created_at >= 0.0)
_STOP_NODES: Final = _stop(nodes, nodes.c.path)
_MANY: Final = 10_000
"""Tasks below one place, of which only a window is open. Looking through all that is open anywhere costs less then."""
_IS_MANY: Final = (
    select(tasks.c.id)
    .where(tasks.c.id > bindparam("low"), tasks.c.id < bindparam("high"))
    .order_by(tasks.c.id)
    .offset(_MANY)
    .limit(1)
)
_COORDINATED: Final = plans.alias("coordinated")
COORDINATED_WITHIN: Final = select(_COORDINATED.c.id).where(
    _COORDINATED.c.id >= bindparam("low"), _COORDINATED.c.id < bindparam("high")
)
"""Ids of projects and assignments: each has a plan. There are few, and a million tasks may lie between two of them."""
_LOCK_BELOW: Final = select(tasks.c.id).where(tasks.c.id.in_(COORDINATED_WITHIN)).order_by(tasks.c.id).with_for_update()


def project(connection: Connection, happened: Iterable[LedgerEvent]) -> None:
    """Bring the projection up to date with the events, in their order."""
    happened = list(happened)
    sent = sent_and_settled(happened)
    for event in happened:
        _apply(connection, event, sent)


def sent_and_settled(happened: Iterable[LedgerEvent]) -> dict[str, Dispatched]:
    """Tasks whose confirm and whose result are written together, with the event of their confirm.

    Under load that is most of them. Their row is changed once, not twice: PostgreSQL would write it anew each time,
    and an entry into each of its indexes.
    """
    sent: dict[str, Dispatched] = {}
    both: dict[str, Dispatched] = {}
    for event in happened:
        match event:
            case Dispatched():
                sent |= dict.fromkeys(event.ids, event)
            case Settled():
                both |= {row["id"]: sent[row["id"]] for row in event.tasks if row["id"] in sent}
            case Planned() | Reopened():  # what was said of their rows before says nothing of them from here on
                for row in event.tasks:
                    sent.pop(row["id"], None)
            case _:
                pass
    return both


def _apply(  # noqa: C901, PLR0912 - one branch for each event
    connection: Connection, event: LedgerEvent, sent: Mapping[str, Dispatched]
) -> None:
    match event:
        case ProjectAccepted():
            _INSERT_TASKS.execute(connection, [_task(event.task)])
            _INSERT_PLANS.execute(connection, [_plan(event.plan)])
        case Started():
            connection.execute(_START, {"ids": [event.subject], "moment": event.at})
        case Planned():
            _INSERT_TASKS.execute(connection, map(_task, event.tasks))
            _INSERT_PLANS.execute(connection, map(_plan, event.plans))
        case Dispatched():
            if ids := sorted(each for each in event.ids if sent.get(each) is not event):
                connection.execute(_DISPATCH, {"ids": ids, "moment": event.at, "replay": event.replay})
        case Reported():
            connection.execute(_REPORT, {"ids": sorted(event.ids), "moment": event.at, "replay": event.replay})
        case Settled():
            rows = sorted(event.tasks, key=itemgetter("id"))
            _SETTLE.execute(connection, [_settled(row) | _confirmed(sent.get(row["id"])) for row in rows])
        case NodesChanged():
            connection.execute(_DELETE_NODES, {"ids": [row["path"] for row in event.nodes]})
            _INSERT_NODES.execute(connection, event.nodes)
        case Overtaken():
            _OVERTAKE.execute(connection, map(_settled, sorted(event.tasks, key=itemgetter("id"))))
        case Traced():
            connection.execute(_TRACED, {"subject": event.subject, "is_back": event.is_back})
        case Stopped():
            _apply_stopped(connection, event)
        case Reopened():
            _REOPEN.execute(connection, map(_reopened, sorted(event.tasks, key=itemgetter("id"))))
            connection.execute(_REOPEN_NODES, {"ids": sorted(event.nodes)})
            connection.execute(_RETELL, {"ids": sorted(row["id"] for row in event.tasks), "moment": event.at})
        case Postponed():
            connection.execute(_POSTPONE, {"ids": sorted(event.ids), "moment": event.until})
        case Leased():
            connection.execute(_LEASE, {"ids": sorted(event.ids), "moment": event.until})
        case _:
            assert_never(event)


def _apply_stopped(connection: Connection, event: Stopped) -> None:
    span = {"low": event.subject + SEPARATOR, "high": event.subject + AFTER_SEPARATOR}
    if connection.dialect.name == "postgresql":
        # Whoever plans below the subject holds its owner's lock; without it, rows of theirs would escape the stop.
        connection.execute(_LOCK_BELOW, {"low": event.subject, "high": span["high"]})
    is_many = connection.execute(_IS_MANY, span).first() is not None
    for statement in (_STOP_TASKS_AMONG_MANY if is_many else _STOP_TASKS, _STOP_NODES):
        connection.execute(statement, {**span, "ended": event.status, "reason": event.error, "moment": event.at})


def _task(row: Row) -> Row:
    return {**_TASK, **row}


def _plan(row: Row) -> Row:
    return {**_PLAN, **row}


def _reopened(row: Row) -> Row:
    return {**row, "key": row["id"], "edited": row.get("input")}


def _confirmed(confirm: Dispatched | None) -> Row:
    return (
        {"sent_for": None, "sent_at": None} if confirm is None else {"sent_for": confirm.replay, "sent_at": confirm.at}
    )


def _settled(row: Row) -> Row:
    return {"history": None, **row, "key": row["id"]}  # a column's name among the parameters would be set, not compared
