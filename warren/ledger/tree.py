"""A project's tree for people: its assignments, the nodes of its plans, and such tasks as are not items of a map.

It must cost the same for ten tasks and for a hundred thousand, because it is asked for again and again. So it is
walked from the root by the ids that children can have, a level at a time, and the items of a map are never counted:
the map's state knows how many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, null, select

from warren.ids import child_id, key_of
from warren.ledger.id_list import is_among
from warren.ledger.schema import nodes, plans, tasks
from warren.ledger.transaction import Transaction
from warren.messages.codec import from_json
from warren.messages.message import JsonObject
from warren.messages.reply import Branch

MAX_LISTED: Final = 64
"""Children of one node that are looked for; a map's items are rarely worth a line each."""
MAX_BRANCHES: Final = 1_000
BADLY: Final = frozenset({"failed", "expired"})

_TASKS: Final = select(
    tasks.c.id,
    tasks.c.parent,
    tasks.c.position,
    tasks.c.kind,
    tasks.c.team,
    tasks.c.skill,
    null().label("name"),
    tasks.c.status,
    null().label("state"),
    tasks.c.started_at,
    tasks.c.ended_at,
).where(is_among(tasks.c.id, "ids"))
_NODES: Final = select(
    nodes.c.path.label("id"),
    nodes.c.parent,
    nodes.c.position,
    nodes.c.kind,
    null().label("team"),
    null().label("skill"),
    nodes.c.name,
    nodes.c.status,
    nodes.c.state,
    nodes.c.started_at,
    nodes.c.ended_at,
).where(is_among(nodes.c.path, "ids"))
_PLAN: Final = select(plans.c.plan).where(plans.c.id == bindparam("id"))


@dataclass(frozen=True, slots=True)
class _Count:
    total: int = 0
    done: int = 0
    failed: int = 0

    def __add__(self, other: _Count) -> _Count:
        return _Count(self.total + other.total, self.done + other.done, self.failed + other.failed)

    def __sub__(self, other: _Count) -> _Count:
        return _Count(self.total - other.total, self.done - other.done, self.failed - other.failed)


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of the tree; `place` orders it: the positions from the root down. `node` is its part of the plan."""

    row: Any
    state: JsonObject
    place: tuple[int, ...]
    step: str
    node: JsonObject


def tree(transaction: Transaction, project: str, playbook: str) -> list[Branch]:
    """The branches of a project, each before its children.

    `done` counts all that have ended, `failed` those of them that ended badly; what was cancelled did not fail. A node
    counts its children, a project or an assignment the tasks below it, as far as they are known.
    """
    lines = _walk(transaction, project)
    counts = _counts(lines)
    ordered = sorted(lines.values(), key=lambda line: line.place)[:MAX_BRANCHES]
    return [_branch(line, playbook, counts.get(line.row.id, _Count())) for line in ordered]


def _walk(transaction: Transaction, project: str) -> dict[str, _Line]:
    """The lines of the tree by id, level by level from the project down."""
    found: dict[str, _Line] = {}
    wanted = [project]
    plan = _plan(transaction, project)
    while wanted and len(found) < MAX_BRANCHES:
        level = [_line(row, found, plan) for row in _rows(transaction, wanted) if _is_listed(row, found)]
        found.update((line.row.id, line) for line in level)
        wanted = [child_id(line.row.id, key) for line in level for key in _keys(line)]
    return found


def _rows(transaction: Transaction, ids: list[str]) -> Iterator[Any]:
    for statement in (_TASKS, _NODES):
        yield from transaction.connection.execute(statement, {"ids": ids})


def _plan(transaction: Transaction, project: str) -> JsonObject:
    text = transaction.connection.execute(_PLAN, {"id": project}).scalar()
    return {} if text is None else from_json(text)


def _line(row: Any, found: Mapping[str, _Line], plan: JsonObject) -> _Line:
    parent = found.get(row.parent or "")
    state = {} if row.state is None else from_json(row.state)
    if parent is None:
        return _Line(row, state, (), "", {"plan": plan})
    step, node = child_of(parent.node, key_of(row.id))
    return _Line(row, state, (*parent.place, row.position), step, node)


def child_of(node: JsonObject, key: str) -> tuple[str, JsonObject]:
    """(its name among its siblings, its own part) of a child in a plan as data; nameless where the plan has no name."""
    match node:
        case {"kind": "sequence", "steps": dict(named)} | {"kind": "parallel", "branches": dict(named)}:
            return list(named.items())[int(key)]
        case {"kind": "map", "reduce": dict(reducer)} if key == "reduce":
            return key, reducer
        case {"kind": "map", "do": dict(body)}:
            return "", body
        case {"plan": dict(plan)}:
            return "", plan
        case _:
            return "", {}


def _is_listed(row: Any, found: Mapping[str, _Line]) -> bool:
    """Of a map's children only assignments and the reducer have a line; its tasks are what it counts."""
    parent = found.get(row.parent or "")
    return parent is None or parent.row.kind != "map" or row.kind == "assignment" or not key_of(row.id).isdigit()


def _keys(line: _Line) -> Iterable[str]:
    """The keys that a line's children can have by now."""
    match line.row.kind:
        case "task":
            return ()
        case "project" | "assignment":
            return ("0",)
        case "map":
            return (*map(str, range(min(line.state.get("next", 0), MAX_LISTED))), "reduce")
        case "sequence":
            return map(str, range(min(line.state.get("at", 0) + 1, MAX_LISTED)))
        case _:
            return map(str, range(MAX_LISTED))


def _counts(lines: Mapping[str, _Line]) -> dict[str, _Count]:
    """What each line counts: an owner the tasks below it, a map its items, another node its children."""
    counts: dict[str, _Count] = {}
    for line in lines.values():
        parent = lines.get(line.row.parent or "")
        if parent is not None and parent.row.kind not in {"project", "assignment", "map"}:
            _add(counts, parent, _itself(line))
        if line.row.kind == "map":
            _add(counts, line, _items(line))
        for owner in _owners(line, lines):
            _add(counts, owner, _work(line, parent))
    return counts


def _add(counts: dict[str, _Count], line: _Line, count: _Count) -> None:
    counts[line.row.id] = counts.get(line.row.id, _Count()) + count


def _owners(line: _Line, lines: Mapping[str, _Line]) -> Iterator[_Line]:
    above = lines.get(line.row.parent or "")
    while above is not None:
        if above.row.kind in {"project", "assignment"}:
            yield above
        above = lines.get(above.row.parent or "")


def _work(line: _Line, parent: _Line | None) -> _Count:
    """The tasks that a line stands for. A map counts its assignments as items, but the tasks in them are the work."""
    match line.row.kind:
        case "task":
            return _itself(line)
        case "map":
            return _items(line)
        case "assignment" if parent is not None and parent.row.kind == "map":
            return _Count() - _itself(line)
        case _:
            return _Count()


def _itself(line: _Line) -> _Count:
    ended = line.row.status != "open"
    return _Count(1, int(ended), int(line.row.status in BADLY))


def _items(line: _Line) -> _Count:
    state = line.state
    done = state.get("low", 0) + len(state.get("above", ())) - len(state.get("again", ()))
    return _Count(state.get("total", 0), done, state.get("failures", 0))


def _branch(line: _Line, playbook: str, count: _Count) -> Branch:
    row = line.row
    return Branch(
        id=row.id,
        kind=row.kind,
        step=line.step,
        name=playbook if row.kind == "project" else row.name or row.skill or row.team or "",
        status=row.status,
        total=count.total,
        done=count.done,
        failed=count.failed,
        started_s=row.started_at,
        ended_s=row.ended_at,
    )
