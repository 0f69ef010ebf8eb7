"""What happened below one project or assignment, and when: the rows that a trace is made of.

A plan's tree is walked a level at a time by the ids that children can have, as for its status. A map over a million
items would be a million spans: above a limit only some of the children are read (`excerpt.py` says which).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import bindparam, null, select

from warren.ids import ancestors, child_id
from warren.ledger.excerpt import MAX_KEYS, Excerpt, Limits, excerpt
from warren.ledger.id_list import is_among
from warren.ledger.schema import nodes, plans, tasks
from warren.ledger.transaction import Transaction
from warren.ledger.tree import child_of
from warren.messages.codec import from_json
from warren.messages.message import JsonObject

ASSIGNED_LINES: Final = 20_000
"""Lines below all the assignments of a plan, where they are read together."""
VOTE: Final = "majority"
"""The reducer that is a vote."""


@dataclass(frozen=True, slots=True)
class Line:
    """A project, an assignment, a node of a plan or a task; `name` is the playbook, the team, the pattern or the skill.

    `shown` of `total` children are lines of their own, if `total` is not 0. `error` and `history` are JSON values.
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
    step: str = ""
    """Its name among its siblings, where the plan has one."""
    is_voted: bool = False
    vote: JsonObject | None = None
    """What a vote came to: `value`, `votes` for it, `of` all."""


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
        plans.c.plan,
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


_PLANS: Final = select(plans.c.id, plans.c.plan).where(is_among(plans.c.id, "ids"))
_OUTPUTS: Final = select(nodes.c.path, nodes.c.output).where(is_among(nodes.c.path, "ids"))


def timeline(transaction: Transaction, owner: str, limits: Limits, step: str = "") -> Timeline | None:
    """The timeline of a project or an assignment, which its plan calls `step`; None if there is no such thing."""
    head = transaction.connection.execute(_OWNER, {"id": owner}).first()
    if head is None:
        return None
    return Timeline(
        replace(_task(head), step=step),
        head.trace,
        _walk(transaction, owner, from_json(head.plan), limits),
        retold=head.retold,
        reopened_at=head.reopened_at,
        above_retold=head.above_retold or 0,
    )


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a line may be: its name among its siblings, its part of the plan, and how many lines may be below it."""

    step: str
    node: JsonObject
    room: int


def _walk(transaction: Transaction, owner: str, plan: JsonObject, limits: Limits) -> list[Line]:
    found: list[Line] = []
    wanted = {child_id(owner, "0"): _Spot("", plan, limits.lines)}
    while wanted:
        level, states = _level(transaction, list(wanted))
        following: dict[str, _Spot] = {}
        for path, line in level.items():
            spot = wanted[path]
            chosen = _chosen(line.kind, states.get(path), spot, limits)
            found.append(_counted(line, states.get(path, {}), spot, chosen))
            following.update(_following(path, spot, chosen))
        wanted = following
    return _with_votes(transaction, found)


def _chosen(kind: str, state: JsonObject | None, spot: _Spot, limits: Limits) -> Excerpt:
    return Excerpt() if state is None else excerpt(kind, state, spot.node, min(limits.children, spot.room))


def _following(path: str, spot: _Spot, chosen: Excerpt) -> Iterator[tuple[str, _Spot]]:
    room = max(1, spot.room // max(1, chosen.shown) - 1)
    for key in chosen.keys:
        step, node = child_of(spot.node, key)
        yield child_id(path, key), _Spot(step, node, room)


def step_of(transaction: Transaction, owner: str, limits: Limits) -> str | None:
    """An assignment's name among its siblings, if it has one; None if it has no line in the plan that it belongs to,
    because there are too many beside it.
    """
    above = [*ancestors(owner)]
    connection = transaction.connection
    plan_texts = {row.id: row.plan for row in connection.execute(_PLANS, {"ids": above})}
    rows = {row.path: row for row in connection.execute(_NODES, {"ids": above})}
    spot = _Spot("", {}, limits.lines)
    for path, below in pairwise([*above, owner]):
        if path in plan_texts:
            spot = _Spot("", from_json(plan_texts[path]), limits.lines)
            continue
        chosen = _chosen(rows[path].kind, from_json(rows[path].state), spot, limits) if path in rows else Excerpt()
        spots = dict(_following(path, spot, chosen))
        if below not in spots:
            return None
        spot = spots[below]
    return spot.step


def _level(transaction: Transaction, ids: list[str]) -> tuple[dict[str, Line], dict[str, JsonObject]]:
    """(lines by id in the order of `ids`, states of those that are nodes)."""
    connection, place = transaction.connection, {one: number for number, one in enumerate(ids)}
    states: dict[str, JsonObject] = {}
    lines = {row.id: _task(row) for row in connection.execute(_TASKS, {"ids": ids})}
    for row in connection.execute(_NODES, {"ids": ids}):
        states[row.path] = from_json(row.state)
        lines[row.path] = _node(row)
    return dict(sorted(lines.items(), key=lambda item: place[item[0]])), states


def _counted(line: Line, state: JsonObject, spot: _Spot, chosen: Excerpt) -> Line:
    """A line with its name among its siblings, and how many children it has, where that is not seen from them."""
    line = replace(line, step=spot.step, is_voted=spot.node.get("reduce") == VOTE)
    if line.kind != "map" and chosen.total in {chosen.shown, MAX_KEYS}:
        return line
    return replace(line, total=chosen.total, shown=chosen.shown, failed=state.get("failures", 0))


def _with_votes(transaction: Transaction, lines: list[Line]) -> list[Line]:
    """The lines, those of votes with what was voted for: the output of a node is looked at for nothing else."""
    voted = [line.id for line in lines if line.is_voted and line.status == "succeeded"]
    if not voted:
        return lines
    rows = transaction.connection.execute(_OUTPUTS, {"ids": voted})
    votes = {row.path: from_json(row.output) for row in rows if row.output is not None}
    return [replace(line, vote=votes.get(line.id)) for line in lines]


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
    wanted = [(project, limits, "")]
    while wanted:
        found = timeline(transaction, *wanted.pop(0))
        if found is None:
            continue
        yield found
        below = [line for line in found.lines if line.kind == "assignment"]
        lines = min(limits.lines, max(1, ASSIGNED_LINES // max(1, len(below))))
        wanted += [(line.id, replace(limits, lines=lines), line.step) for line in below]
