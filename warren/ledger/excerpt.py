"""Which children of a plan's node have lines of their own, where there are too many for all of them to have one.

The choice follows from the node and its state alone. So an assignment, whose spans are exported apart and earlier than
those of the plan that it belongs to, knows whether it is among the chosen. No I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from warren.messages.message import JsonObject

MAX_KEYS: Final = 256
"""Children that are looked for below a node that does not say how many it has."""
REDUCE_KEY: Final = "reduce"
RESERVED: Final = 10
"""Of the assignments of a map one in so many is kept for those that ended badly."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read at most: children of one node, and, more or less, lines in all."""

    children: int = 500
    lines: int = 5_000


@dataclass(frozen=True, slots=True)
class Excerpt:
    """`keys` of the children that are chosen; `shown` of the `total` that were begun, the reducer not counted."""

    keys: Collection[str] = ()
    total: int = 0
    shown: int = 0


def excerpt(kind: str, state: JsonObject, node: JsonObject, most: int) -> Excerpt:
    """At most `most` children of a node of the plan, those that ended badly among them."""
    if kind == "map":
        total = min(state.get("next", 0), state.get("total", 0))
        chosen = _parts(state, total, most) if delegates(node.get("do")) else _items(state, total, most)
        return Excerpt([*map(str, sorted(chosen)), REDUCE_KEY], total, len(chosen))
    total = _begun(kind, state, node)
    return Excerpt([*map(str, range(min(total, most)))], total, min(total, most))


def delegates(node: Any) -> bool:
    """Whether a part of a plan hands anything to a team."""
    if not isinstance(node, dict):
        return False
    return node.get("kind") == "delegate" or any(map(delegates, _below(node)))


def _below(node: JsonObject) -> Iterator[Any]:
    for named in (node.get("steps"), node.get("branches")):
        yield from named.values() if isinstance(named, dict) else ()
    yield node.get("do")
    yield node.get("reduce")


def _begun(kind: str, state: JsonObject, node: JsonObject) -> int:
    if kind == "sequence" and "at" in state:
        return min(int(state["at"]) + 1, len(node.get("steps", ())) or MAX_KEYS)
    return len(node.get("branches", ())) or MAX_KEYS


def _items(state: JsonObject, total: int, most: int) -> set[int]:
    """Tasks: they are told together with their map, and so by what has become of it."""
    if total <= most:
        return set(range(total))
    bad = {item["index"] for item in state.get("failed", ())[: most // 2]}
    return bad | _spread(total, most - len(bad))


def _parts(state: JsonObject, total: int, most: int) -> set[int]:
    """Assignments: by what is known of the map when it begins, and by whether they ended badly."""
    whole = state.get("total", 0)
    if whole <= most:
        return set(range(total))
    room = max(1, most - most // RESERVED)
    even = {index for index in _spread(whole, room) if index < total}
    bad = [item["index"] for item in state.get("failed", ()) if item["index"] not in even]
    return even | set(bad[: most - room])


def _spread(total: int, room: int) -> set[int]:
    """`room` indices below `total`, at even distances."""
    return {index * total // room for index in range(room)}
