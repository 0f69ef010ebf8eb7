"""What has to be open again so that a task that was given up can be done after all. Pure: places in, places out.

A task ended badly and its node with it, and so on upward, as far as nobody tolerated it; and whatever was still at
work below those that ended was stopped. To do the task again, those that ended with it are opened again, and so is what
was stopped below them; what ended on its own account stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import assert_never

from warren.ids import SEPARATOR, depth_of, key_of, parent_id


class Standing(Enum):
    """Where a project, an assignment, a node or a task stands."""

    OPEN = "open"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """It ended badly, of itself: failed, expired or cancelled."""
    STOPPED = "stopped"
    """It was open when something above it ended."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a project's tree; an owner is a project or an assignment."""

    standing: Standing
    is_owner: bool = False


@dataclass(slots=True)
class Ascent:
    """What stands between a task and an open project."""

    ended: list[str] = field(default_factory=list)
    """What ended with it, from below upward."""
    heard: dict[str, str] = field(default_factory=dict)
    """By node, the key of the child that it knows to have ended badly."""
    needs: str | None = None
    """A node that ended because of another child, and must be opened again for that child's sake."""
    past: str | None = None
    """What has succeeded without it."""


@dataclass(slots=True)
class Reopening:
    """All that is opened again for some tasks; `needs` and `past` are why others cannot be done again, by task."""

    tasks: list[str] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    heard: dict[str, set[str]] = field(default_factory=dict)
    needs: dict[str, str] = field(default_factory=dict)
    past: dict[str, str] = field(default_factory=dict)


def reopening(tasks: Iterable[str], places: Mapping[str, Place]) -> Reopening:
    """Open `tasks` again, which have all ended badly or were stopped; `places` has them and all above them."""
    ascents = {task: ascent(task, places) for task in tasks}
    found = Reopening(past={task: way.past for task, way in ascents.items() if way.past is not None})
    able = {task: way for task, way in ascents.items() if way.past is None}
    while True:
        found.ended = {path for way in able.values() for path in way.ended}
        lacking = {task: way.needs for task, way in able.items() if way.needs and way.needs not in found.ended}
        if not lacking:
            break
        found.needs |= lacking
        able = {task: way for task, way in able.items() if task not in lacking}
    found.tasks = list(able)
    for way in able.values():
        for path, key in way.heard.items():
            found.heard.setdefault(path, set()).add(key)
    return found


def ascent(task: str, places: Mapping[str, Place]) -> Ascent:
    """The way from a task up to the first place that is open."""
    way = Ascent()
    below = task
    while SEPARATOR in below:
        above = parent_id(below)
        if _is_top(way, above, below, places):
            break
        below = above
    return way


def _is_top(way: Ascent, above: str, below: str, places: Mapping[str, Place]) -> bool:
    """Note what `above` means for the task. Whether nothing beyond it matters."""
    place, standing = places[above], places[below].standing
    if standing is Standing.FAILED and not place.is_owner:
        way.heard[above] = key_of(below)
    match place.standing:
        case Standing.OPEN:
            return True
        case Standing.SUCCEEDED:
            way.past = above
            return True
        case Standing.STOPPED:
            return False
        case Standing.FAILED if standing is Standing.STOPPED and not place.is_owner:
            way.needs = above
            return True
        case Standing.FAILED:
            way.ended.append(above)
            return False
        case _:
            assert_never(place.standing)


def revived(stopped: Iterable[str], opened: Iterable[str]) -> list[str]:
    """Which of the stopped places are at work again with `opened`, parents before their children."""
    alive = set(opened)
    again: list[str] = []
    for path in sorted(stopped, key=lambda path: (depth_of(path), path)):
        if parent_id(path) in alive:
            alive.add(path)
            again.append(path)
    return again
