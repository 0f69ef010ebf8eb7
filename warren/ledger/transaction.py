"""What a coordinator can do inside one ledger transaction: lock plans, read what it needs, append what happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, union_all

from warren.errors import MessageTooLarge
from warren.ids import SEPARATOR, is_within
from warren.ledger.event import Dispatched, LedgerEvent, Reported
from warren.ledger.history import event_row
from warren.ledger.id_list import is_among
from warren.ledger.projection import AFTER_SEPARATOR, COORDINATED_WITHIN, project
from warren.ledger.schema import IS_PROJECT, events, nodes, plans, tasks
from warren.messages.codec import from_json
from warren.messages.message import JsonObject


@dataclass(frozen=True, slots=True)
class Owner:
    """A project or an assignment, as far as a coordinator needs it to go on; its plan and input are read apart."""

    id: str
    kind: str
    team: str | None
    status: str
    attempt: int
    priority: int
    deadline_at: float | None
    created_at: float
    started_at: float | None
    reported_at: float | None
    owner: str | None
    report_to: str
    reply_to: str | None
    correlation_id: str | None
    playbook: str | None
    fingerprint: str | None
    trace: str | None = None
    """The trace context that the project carries, as text; None if it has none."""
    replays: int = 0
    """How often something in it was opened again."""


@dataclass(frozen=True, slots=True)
class TaskState:
    """Where a task or an assignment stands."""

    id: str
    kind: str
    team: str | None
    skill: str | None
    status: str
    attempt: int
    owner: str | None
    replays: int
    created_at: float
    not_before_at: float | None


@dataclass(frozen=True, slots=True)
class NodeState:
    """Where a node of a plan stands."""

    path: str
    status: str
    state: JsonObject
    started_at: float


_OWNER: Final = (
    select(
        tasks.c.id,
        tasks.c.kind,
        tasks.c.team,
        tasks.c.status,
        tasks.c.attempt,
        tasks.c.priority,
        tasks.c.deadline_at,
        tasks.c.created_at,
        tasks.c.started_at,
        tasks.c.reported_at,
        tasks.c.owner,
        plans.c.report_to,
        plans.c.reply_to,
        plans.c.correlation_id,
        plans.c.playbook,
        plans.c.fingerprint,
        plans.c.trace,
        tasks.c.replays,
    )
    .join(plans, plans.c.id == tasks.c.id)
    .order_by(tasks.c.id)
)
_LOCKED_OWNERS: Final = _OWNER.where(is_among(tasks.c.id, "ids")).with_for_update(of=tasks)
_LOCKED_SUBTREE: Final = _OWNER.where(tasks.c.id.in_(COORDINATED_WITHIN)).with_for_update(of=tasks)
_TASK_STATES: Final = select(
    tasks.c.id,
    tasks.c.kind,
    tasks.c.team,
    tasks.c.skill,
    tasks.c.status,
    tasks.c.attempt,
    tasks.c.owner,
    tasks.c.replays,
    tasks.c.created_at,
    tasks.c.not_before_at,
).where(is_among(tasks.c.id, "ids"))
_NODE_STATES: Final = select(nodes.c.path, nodes.c.status, nodes.c.state, nodes.c.started_at).where(
    is_among(nodes.c.path, "ids")
)
_PLAN: Final = (
    select(plans.c.plan, tasks.c.input).join(tasks, tasks.c.id == plans.c.id).where(plans.c.id == bindparam("id"))
)
_TASK_OUTPUT: Final = select(tasks.c.output).where(tasks.c.id == bindparam("id"))
_NODE_OUTPUT: Final = select(nodes.c.output).where(nodes.c.path == bindparam("id"))
_INSERT_EVENTS: Final = insert(events)


def _outputs_of(table: Any, key: Any) -> Any:
    return (
        select(key.label("id"), table.c.output, table.c.position)
        .where(
            key > bindparam("low"),
            key < bindparam("high"),
            table.c.parent == bindparam("parent"),
            table.c.status == "succeeded",
            table.c.position > bindparam("after"),
        )
        .order_by(table.c.position)
    )


_TASK_OUTPUTS: Final = _outputs_of(tasks, tasks.c.id)
_NODE_OUTPUTS: Final = _outputs_of(nodes, nodes.c.path)


def _extent(length: Any) -> Any:
    """How many outputs a node's children have, and how long they are together."""
    both = union_all(*(_outputs_of(*of).order_by(None) for of in ((tasks, tasks.c.id), (nodes, nodes.c.path))))
    outputs = both.subquery()
    return select(func.count(), func.coalesce(func.sum(length(outputs.c.output)), 0)).select_from(outputs)


_EXTENT: Final = {"postgresql": _extent(func.octet_length), "sqlite": _extent(func.length)}
PAGE_BYTES: Final = 4 * 1024 * 1024
PAGE_ROWS: Final = 1_000
"""What is read at once of many outputs, on average and at most."""
DRIVER_ROWS: Final = 50
"""So many asyncpg's cursors hold at least, as SQLAlchemy uses them."""


class Transaction:
    """One transaction on the ledger. What is appended is written when `flush` is called, at the latest at the end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pending: list[LedgerEvent] = []
        self._locked: set[str] = set()

    def lock(self, ids: Sequence[str]) -> dict[str, Owner]:
        """The projects and assignments of these ids that exist; nobody else changes them until the end.

        Owners that pending events speak of are locked along, all in one order: two coordinators that each confirm
        what the other one settles would otherwise wait for each other.
        """
        wanted = set(ids)
        rows = self._lock(wanted | self._spoken_of()) if wanted else ()
        return {row.id: Owner(*tuple(row)) for row in rows if row.id in wanted}

    def lock_subtree(self, subtree: str) -> list[Owner]:
        """The project or assignment `subtree` and all below it.

        While a lock is waited for, whoever holds it may plan further assignments: they are locked in the next round.
        """
        owners: list[Owner] = []
        while len(found := self._owners_within(subtree)) > len(owners):
            owners = found
        return owners

    def _owners_within(self, subtree: str) -> list[Owner]:
        rows = self._connection.execute(_LOCKED_SUBTREE, {"low": subtree, "high": subtree + AFTER_SEPARATOR})
        return [Owner(*tuple(row)) for row in rows if is_within(row.id, subtree)]

    def task_states(self, ids: Sequence[str]) -> dict[str, TaskState]:
        rows = self._connection.execute(_TASK_STATES, {"ids": list(ids)})
        return {row.id: TaskState(*tuple(row)) for row in rows}

    def node_states(self, paths: Sequence[str]) -> dict[str, NodeState]:
        rows = self._connection.execute(_NODE_STATES, {"ids": list(paths)})
        return {row.path: NodeState(row.path, row.status, from_json(row.state), row.started_at) for row in rows}

    def plan_and_input(self, owner: str) -> tuple[str, str]:
        """The plan of a project or an assignment and its input, as JSON text. Raises KeyError if there is none."""
        row = self._connection.execute(_PLAN, {"id": owner}).first()
        if row is None:
            raise KeyError(owner)
        return row.plan, row.input

    def output_text(self, child: str) -> str:
        """The output of a task, an assignment or a node, as JSON text. Raises KeyError if it has none."""
        for statement in (_TASK_OUTPUT, _NODE_OUTPUT):
            text: str | None = self._connection.execute(statement, {"id": child}).scalar()
            if text is not None:
                return text
        raise KeyError(child)

    def output_texts(self, parent: str, limit_bytes: int | None = None) -> Iterator[tuple[str, str]]:
        """(id, output as JSON text) of a node's children that have succeeded, in their order, read some at a time.

        Raises MessageTooLarge, before anything is read, if together they are over the limit.
        """
        span = {"low": parent + SEPARATOR, "high": parent + AFTER_SEPARATOR, "parent": parent, "after": -1}
        count, size_bytes = self._connection.execute(_EXTENT[self._connection.dialect.name], span).one()
        if limit_bytes is not None and size_bytes > limit_bytes:
            raise MessageTooLarge(int(size_bytes), limit_bytes)
        page = max(1, min(PAGE_ROWS, PAGE_BYTES * count // max(1, int(size_bytes))))
        for statement in (_TASK_OUTPUTS, _NODE_OUTPUTS):
            yield from self._rows(statement, span, page)

    def _rows(self, statement: Any, span: dict[str, Any], page: int) -> Iterator[tuple[str, str]]:
        """All rows at the cost of one query, or page by page where the driver would hold too many of them."""
        if page >= DRIVER_ROWS:
            for row in self._connection.execute(statement, span, execution_options={"yield_per": page}):
                yield row.id, row.output
            return
        after = -1
        while rows := self._connection.execute(statement.limit(page), {**span, "after": after}).all():
            yield from ((row.id, row.output) for row in rows)
            after = rows[-1].position

    def append(self, *happened: LedgerEvent) -> None:
        """Write events and what follows from them, in this transaction."""
        self._pending.extend(happened)

    def flush(self) -> None:
        """Make what was appended visible to this transaction's reads.

        The events get their numbers last, when all locks on what they change are held: so the order of events that
        touch the same rows is the order in which the rows were changed, and a rebuild gives the same rows.
        """
        if self._pending:
            if unlocked := self._spoken_of():
                self._lock(unlocked)
            happened, self._pending = self._pending, []
            project(self._connection, happened)
            self._connection.execute(_INSERT_EVENTS, [event_row(event) for event in happened])

    @property
    def has_pending(self) -> bool:
        """Whether something was appended that is not yet written."""
        return bool(self._pending)

    def count_open_projects(self) -> int:
        query = select(func.count()).where(IS_PROJECT, tasks.c.status == "open")
        return int(self._connection.execute(query).scalar_one())

    @property
    def connection(self) -> Connection:
        """For the other modules of the ledger."""
        return self._connection

    def _lock(self, ids: set[str]) -> Iterator[Any]:
        self._locked |= ids
        return iter(self._connection.execute(_LOCKED_OWNERS, {"ids": sorted(ids)}))

    def _spoken_of(self) -> set[str]:
        """Owners whose tasks pending events mark, and whose lock is not held. On SQLite there is one writer anyway."""
        if self._connection.dialect.name != "postgresql":
            return set()
        return {event.subject for event in self._pending if isinstance(event, Dispatched | Reported)} - self._locked
