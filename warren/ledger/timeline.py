"""What happened below one project or assignment, and when: the rows that a trace is made of.

A plan's tree is walked a level at a time by the ids that children can have, as for its status. A map over a million
items would be a million spans: above a limit only some of the children are read, spread evenly over their order and
with those that ended badly, as far as the plan's state names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import bindparam, null, select

from warren.ids import child_id
from warren.ledger.id_list import is_among
from warren.ledger.schema import nodes, plans, tasks
from warren.ledger.transaction import Transaction
from warren.messages.codec import from_json
from warren.messages.message import JsonObject

MAX_KEYS: Final = 256
"""Children that are looked for below a node that does not say how many it has."""
REDUCE_KEY: Final = "reduce"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read at most: children of one node, and lines in all."""

    children: int = 500
    lines: int = 5_000


@dataclass(frozen=True, slots=True)
class Line:
    """A project, an assignment, a node of a plan or a task; `name` is the playbook, the team, the pattern or the skill.

    `shown` of `total` children are lines of their own. `error` and `history` are JSON values.
    """

    id: str
    parent: str | None
    kind: str
    name: str
    status: str
    created_at: float
    team: str | None = None
    agent: str | None = None
    attempt: int = 1
    priority: int = 4
    dispatched_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    error: JsonObject | None = None
    history: Sequence[JsonObject] = ()
    total: int = 0
    shown: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """The lines of one owner's plan, each before its children; `trace` is the context that its project carries.

    Assignments that the plan has delegated are the last of their branch: what is below them is their own timeline.
    """

    owner: Line
    trace: str | None
    lines: list[Line]
    retold: int = 0
    """How often it went on after its spans were exported: of what had ended by `reopened_at`, nothing is new."""
    reopened_at: float | None = None
    above_retold: int = 0
    """The same of the plan that the owner belongs to."""


_COURSE: Final = (
    tasks.c.id,
    tasks.c.parent,
    tasks.c.kind,
    tasks.c.team,
    tasks.c.skill,
    tasks.c.status,
    tasks.c.agent,
    tasks.c.attempt,
    tasks.c.priority,
    tasks.c.created_at,
    tasks.c.dispatched_at,
    tasks.c.started_at,
    tasks.c.ended_at,
    tasks.c.error,
    tasks.c.history,
)
_ABOVE: Final = plans.alias("above")
_OWNER: Final = (
    select(
        *_COURSE,
        plans.c.playbook,
        plans.c.trace,
        plans.c.retold,
        plans.c.reopened_at,
        _ABOVE.c.retold.label("above_retold"),
    )
    .join(plans, plans.c.id == tasks.c.id)
    .outerjoin(_ABOVE, _ABOVE.c.id == tasks.c.owner)
    .where(tasks.c.id == bindparam("id"))
)
_TASKS: Final = select(*_COURSE, null().label("playbook")).where(is_among(tasks.c.id, "ids"))
_NODES: Final = select(
    nodes.c.path,
    nodes.c.parent,
    nodes.c.kind,
    nodes.c.status,
    nodes.c.state,
    nodes.c.error,
    nodes.c.started_at,
    nodes.c.ended_at,
).where(is_among(nodes.c.path, "ids"))


def timeline(transaction: Transaction, owner: str, limits: Limits) -> Timeline | None:
    """The timeline of a project or an assignment; None if there is no such thing."""
    head = transaction.connection.execute(_OWNER, {"id": owner}).first()
    if head is None:
        return None
    return Timeline(
        _task(head),
        head.trace,
        _walk(transaction, owner, limits),
        retold=head.retold,
        reopened_at=head.reopened_at,
        above_retold=head.above_retold or 0,
    )


def _walk(transaction: Transaction, owner: str, limits: Limits) -> list[Line]:
    found: list[Line] = []
    wanted = [child_id(owner, "0")]
    while wanted and len(found) < limits.lines:
        level, states = _level(transaction, wanted)
        per_parent = max(1, min(limits.children, (limits.lines - len(found)) // max(1, len(states))))
        keys = {path: _keys(line, states[path], per_parent) for path, line in level.items() if path in states}
        found += [_counted(line, states.get(line.id), keys.get(line.id)) for line in level.values()]
        wanted = [child_id(path, key) for path, below in keys.items() for key in below]
    return found


def _level(transaction: Transaction, ids: list[str]) -> tuple[dict[str, Line], dict[str, JsonObject]]:
    """(lines by id in the order of `ids`, states of those that are nodes)."""
    connection, place = transaction.connection, {one: number for number, one in enumerate(ids)}
    states: dict[str, JsonObject] = {}
    lines = {row.id: _task(row) for row in connection.execute(_TASKS, {"ids": ids})}
    for row in connection.execute(_NODES, {"ids": ids}):
        states[row.path] = from_json(row.state)
        lines[row.path] = _node(row)
    return dict(sorted(lines.items(), key=lambda item: place[item[0]])), states


def _keys(line: Line, state: JsonObject, limit: int) -> list[str]:
    """Keys of children that are to be read, at most `limit`."""
    if line.kind != "map":
        return [*map(str, range(min(MAX_KEYS, limit))), REDUCE_KEY]
    begun = min(state.get("next", 0), state.get("total", 0))
    return [*map(str, sorted(_spread(begun, limit, _bad(state, limit)))), REDUCE_KEY]


def _bad(state: Mapping[str, Any], limit: int) -> set[int]:
    """Items of a map that ended badly and are named in its state."""
    return {item["index"] for item in state.get("failed", ())[: limit // 2]}


def _spread(begun: int, limit: int, always: set[int]) -> set[int]:
    """Indices below `begun`: all of them, or `limit` of them at even distances."""
    if begun <= limit:
        return set(range(begun))
    room = limit - len(always)
    return always | {index * begun // room for index in range(room)}


def _counted(line: Line, state: JsonObject | None, keys: list[str] | None) -> Line:
    if state is None or keys is None or line.kind != "map":
        return line
    total = min(state.get("next", 0), state.get("total", 0))
    return replace(line, total=total, shown=min(total, len(keys) - 1), failed=state.get("failures", 0))


def _task(row: Any) -> Line:
    return Line(
        id=row.id,
        parent=row.parent,
        kind=row.kind,
        name=row.playbook or row.skill or row.team or "plan",
        status=row.status,
        created_at=row.created_at,
        team=row.team,
        agent=row.agent,
        attempt=row.attempt,
        priority=row.priority,
        dispatched_at=row.dispatched_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        error=None if row.error is None else from_json(row.error),
        history=() if row.history is None else from_json(row.history),
    )


def _node(row: Any) -> Line:
    return Line(
        id=row.path,
        parent=row.parent,
        kind=row.kind,
        name=row.kind,
        status=row.status,
        created_at=row.started_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        error=None if row.error is None else from_json(row.error),
    )


def whole_timeline(transaction: Transaction, project: str, limits: Limits) -> Iterator[Timeline]:
    """The timelines of a project and of all its assignments, as far as they are shown."""
    wanted = [project]
    while wanted:
        found = timeline(transaction, wanted.pop(0), limits)
        if found is not None:
            yield found
            wanted += [line.id for line in found.lines if line.kind == "assignment"]
