"""Dice plans together with what must come out of them, reckoned without the engine."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from warren.messages.message import JsonObject
from warren.testing.simulation.behaviour import Behaviour, some_behaviour
from warren.testing.simulation.dice import Dice

MOST_DEPTH: Final = 3
MOST_TEAMS_DEEP: Final = 3

Values = Mapping[str, int]
"""What each expression that a plan may use stands for."""
Reckon = Callable[[Values], int | None]
"""The `n` of the output; None if it fails."""


@dataclass(frozen=True, slots=True)
class Puzzle:
    """A plan, or a part of one, and its solution."""

    plan: JsonObject
    reckon: Reckon


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part stands: what it sees, who carries it out (None is the director), and how deep it is."""

    seen: tuple[str, ...]
    team: str | None = None
    depth: int = 0
    teams_deep: int = 0


class PuzzleMaker:
    """Makes plans from dice: from the same dice the same plans, whether what they fail at is replayed or not."""

    def __init__(
        self,
        random: Dice,
        skills: Mapping[str, Sequence[str]],
        *,
        may_fail: bool,
        tolerates: bool = True,
        is_replayed: bool = False,
    ) -> None:
        self._random = random
        self._skills = skills
        self._may_fail = may_fail
        self._tolerates = may_fail and tolerates
        self._is_replayed = is_replayed
        self._numbers = itertools.count()

    def make(self) -> Puzzle:
        """A plan for a director; its input has `n`."""
        return self._part(Place(("input.n",)))

    def _part(self, place: Place) -> Puzzle:
        leaf = self._delegate if place.team is None else self._call
        if place.depth >= MOST_DEPTH:
            return leaf(place)
        kinds = [leaf, leaf, self._sequence, self._parallel, self._map]
        if place.team is not None and place.teams_deep < MOST_TEAMS_DEEP:
            kinds += [self._delegate, self._map_of_calls, self._map_of_calls]
        return self._random.choice(kinds)(place)

    def _call(self, place: Place) -> Puzzle:
        assert place.team is not None
        behaviour, seen = self._behaviour(), self._random.choice(place.seen)
        skill = self._random.choice(self._skills[place.team])
        plan = {"kind": "call", "skill": skill, "input": {"n": seen, **behaviour.literals()}}
        return Puzzle(plan, lambda values: _ended(behaviour, values[seen]))

    def _delegate(self, place: Place) -> Puzzle:
        team, seen = self._random.choice(sorted(self._skills)), self._random.choice(place.seen)
        inner = self._part(Place(("input.n",), team, place.depth + 1, place.teams_deep + 1))
        plan = {"kind": "delegate", "team": team, "input": {"n": seen}, "plan": inner.plan}
        return Puzzle(plan, lambda values: inner.reckon({"input.n": values[seen]}))

    def _sequence(self, place: Place) -> Puzzle:
        steps: dict[str, Puzzle] = {}
        seen = place.seen
        for _ in range(self._random.randint(1, 3)):
            name = self._name("s")
            steps[name] = self._part(Place(seen, place.team, place.depth + 1, place.teams_deep))
            seen = (*seen, _result(name))
        plan = {"kind": "sequence", "steps": {name: step.plan for name, step in steps.items()}}
        return Puzzle(plan, lambda values: _in_turn(steps, values))

    def _parallel(self, place: Place) -> Puzzle:
        below = Place(place.seen, place.team, place.depth + 1, place.teams_deep)
        branches = {self._name("b"): self._part(below) for _ in range(self._random.randint(1, 3))}
        goes_on = self._tolerates and self._random.happens(0.5)
        total = ", ".join(f"{_result(name)} || `0`" for name in branches)
        plan = {
            "kind": "parallel",
            "branches": {name: branch.plan for name, branch in branches.items()},
            "on_error": "continue" if goes_on else "fail",
            "output": {"n": f"sum([{total}])"},
        }
        return Puzzle(plan, lambda values: _sum([each.reckon(values) for each in branches.values()], goes_on=goes_on))

    def _map(self, place: Place) -> Puzzle:
        """Something for each number of a short list."""
        below = Place((*place.seen, "item.n"), place.team, place.depth + 1, place.teams_deep)
        do = self._part(below)
        items = [{"n": self._random.randint(1, 9)} for _ in range(self._random.randint(1, 4))]

        def reckon(values: Values) -> int | None:
            return _sum([do.reckon({**values, "item.n": item["n"]}) for item in items], goes_on=tolerant)

        tolerant = self._tolerates and self._random.happens(0.5)
        return Puzzle(self._mapped(place, items, do.plan, tolerant=tolerant), reckon)

    def _map_of_calls(self, place: Place) -> Puzzle:
        """A fan of tasks, each with a behaviour of its own."""
        assert place.team is not None
        behaviours = [self._behaviour() for _ in range(self._random.randint(1, 12))]
        items = [{"n": number, **one.fields()} for number, one in enumerate(behaviours)]
        fields = {name: f"item.{name}" for name in items[0]}
        do = {"kind": "call", "skill": self._random.choice(self._skills[place.team]), "input": fields}

        def reckon(_: Values) -> int | None:
            return _sum([_ended(one, number) for number, one in enumerate(behaviours)], goes_on=tolerant)

        tolerant = self._tolerates and self._random.happens(0.5)
        return Puzzle(self._mapped(place, items, do, tolerant=tolerant), reckon)

    def _mapped(self, place: Place, items: Sequence[JsonObject], do: JsonObject, *, tolerant: bool) -> JsonObject:
        plan: JsonObject = {
            "kind": "map",
            "items": f"`{json.dumps(items)}`",
            "do": do,
            "window": self._random.randint(1, 6),
            "tolerate": "all" if tolerant else 0,
            "reduce": "sum",
        }
        if place.team is not None and self._random.happens(0.3):
            plan["reduce"] = self._reduction(place.team)
        name = self._name("m")
        return {"kind": "sequence", "steps": {name: plan}, "output": {"n": f"{_result(name)} || `0`"}}

    def _reduction(self, team: str) -> JsonObject:
        """The sum by a task instead of by the coordinator."""
        behaviour = Behaviour(0, 5)
        fields = {"n": "sum(results.items[].n)", **behaviour.literals()}
        return {"kind": "call", "skill": self._random.choice(self._skills[team]), "input": fields}

    def _behaviour(self) -> Behaviour:
        behaviour = some_behaviour(self._random, may_fail_for_good=self._may_fail)
        return replace(behaviour, is_replayed=self._is_replayed)

    def _name(self, letter: str) -> str:
        return f"{letter}{next(self._numbers)}"


def _result(name: str) -> str:
    return f"results.{name}.n"


def _ended(behaviour: Behaviour, number: int) -> int | None:
    return number + behaviour.plus if behaviour.succeeds else None


def _in_turn(steps: Mapping[str, Puzzle], values: Values) -> int | None:
    known, last = dict(values), 0
    for name, step in steps.items():
        value = step.reckon(known)
        if value is None:
            return None
        known[_result(name)] = last = value
    return last


def _sum(values: Sequence[int | None], *, goes_on: bool) -> int | None:
    if not goes_on and None in values:
        return None
    return sum(value for value in values if value is not None)
