"""Before a plan starts: everything that it refers to must be there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from topology.limits import Limits
from warren.errors import InvalidInput
from warren.patterns.call import Call
from warren.patterns.delegate import Delegate
from warren.patterns.expression import expressions_in, quoted, references
from warren.patterns.map import REDUCE_KEY, Map
from warren.patterns.node import Node
from warren.patterns.parallel import Parallel
from warren.patterns.sequence import Sequence

Teams = dict[str, frozenset[str]]
"""Each team's skills."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a plan a node stands, and what can be seen from there."""

    at: str
    team: str | None
    depth: int
    teams_deep: int = 0
    names: frozenset[str] = frozenset()
    in_map: bool = False
    sees_errors: bool = False


def check_plan(plan: Node, teams: Teams, limits: Limits, *, team: str | None = None, at: str = "/plan") -> None:
    """Raise InvalidInput for whatever the plan refers to that is not there.

    `team` is the team whose lead runs the plan, or None for the director, who has no skills of its own.
    """
    for count, (node, place) in enumerate(_walk(plan, _Place(at, team, 0)), start=1):
        if place.depth > limits.plan_depth:
            raise _wrong("plan_too_deep", f"more than {limits.plan_depth} levels (limits.plan_depth)", place)
        if count > limits.plan_nodes:
            raise _wrong("plan_too_large", f"more than {limits.plan_nodes} nodes (limits.plan_nodes)", place)
        _check_sizes(node, place, limits)
        _check_targets(node, place, teams)
        _check_references(node, place)


def _walk(node: Node, place: _Place) -> Iterator[tuple[Node, _Place]]:
    yield node, place
    for name, child in node.children():
        yield from _walk(child, _below(node, place, name))


def _below(node: Node, place: _Place, name: str) -> _Place:
    deeper = replace(place, depth=place.depth + 1)
    match node:
        case Sequence():
            earlier = list(node.steps)[: list(node.steps).index(name)]
            return replace(deeper, at=f"{place.at}/steps/{name}", names=place.names | set(earlier))
        case Parallel():
            return replace(deeper, at=f"{place.at}/branches/{name}")
        case Map() if name == REDUCE_KEY:
            return replace(deeper, at=f"{place.at}/reduce", names=place.names | {"items"})
        case Map():
            return replace(deeper, at=f"{place.at}/do", in_map=True)
        case Delegate():
            below = replace(deeper, at=f"{place.at}/plan", teams_deep=place.teams_deep + 1)
            return replace(below, team=node.team, names=frozenset(), in_map=False)
        case _:
            return deeper


def _check_sizes(node: Node, place: _Place, limits: Limits) -> None:
    if place.teams_deep > limits.delegate_depth:
        raise _wrong("plan_too_deep", f"more than {limits.delegate_depth} delegations (limits.delegate_depth)", place)
    if isinstance(node, Map) and node.window > limits.window:
        raise _wrong("window_too_large", f"a window of {node.window}; limits.window is {limits.window}", place)


def _check_targets(node: Node, place: _Place, teams: Teams) -> None:
    match node:
        case Call():
            _check_skill(node.skill, place, teams)
        case Delegate() if node.team not in teams:
            raise _wrong("unknown_team", f"there is no team {node.team!r}; there are {_listed(teams)}", place)
        case Delegate(playbook=str() as name):
            raise _wrong("unknown_playbook", f"there is no playbook {name!r}", place)
        case _:
            return


def _check_skill(skill: str, place: _Place, teams: Teams) -> None:
    if place.team is None:
        raise _wrong("call_without_team", f"a director has no skill {skill!r}; wrap the call in a delegate", place)
    skills = teams.get(place.team, frozenset())
    if skill not in skills:
        message = f"team {place.team!r} has no skill {skill!r}; it has {_listed(skills)}"
        raise _wrong("unknown_skill", message, place)


def _check_references(node: Node, place: _Place) -> None:
    """Every expression takes only what can be seen where it stands."""
    for field, template, names in _expressions_of(node, place):
        sees_errors = isinstance(node, Parallel)
        seen = replace(place, at=f"{place.at}/{field}", names=names, sees_errors=sees_errors)
        for text in expressions_in(template):
            for path in references(text):
                _check_path(path, text, seen)


def _expressions_of(node: Node, place: _Place) -> Iterator[tuple[str, Any, frozenset[str]]]:
    match node:
        case Call():
            yield "input", node.input, place.names
            if node.not_before is not None:
                yield "not_before", node.not_before, place.names
        case Delegate():
            yield "input", node.input, place.names
        case Map():
            yield "items", node.items, place.names
        case Sequence() if node.output is not None:
            yield "output", node.output, place.names | set(node.steps)
        case Parallel() if node.output is not None:
            yield "output", node.output, place.names | set(node.branches)
        case _:
            return


def _check_path(path: tuple[str, ...], text: str, place: _Place) -> None:
    roots = {"input", "results"} | ({"item", "index"} if place.in_map else set())
    roots |= {"errors"} if place.sees_errors else set()
    if path[0] not in roots:
        message = f"{quoted(text)} refers to {quoted(path[0])}; here there is {_listed(roots)}"
        if text == path[0]:
            message += f"; if it is a text and no expression, write \"'{text}'\""
        raise _wrong("unknown_reference", message, place)
    if path[0] == "results" and len(path) > 1 and path[1] not in place.names:
        known = _listed(place.names) if place.names else "no result yet"
        message = f"{quoted(text)} refers to the result of {quoted(path[1])}; here there is {known}"
        raise _wrong("unknown_reference", message, place)


def _wrong(code: str, message: str, place: _Place) -> InvalidInput:
    return InvalidInput(code, message, pointer=place.at)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
