"""An input in place of the one that a task was given up with: checked before anything is changed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from topology.cluster import load_cluster
from warren.client.letter import Letter
from warren.errors import InvalidInput, SkillError
from warren.messages.message import JsonObject
from warren.skills.context import Context
from worker.equipment import stations
from worker.settings import WorkerSettings


def check_input(data: JsonObject, letters: Iterable[Letter], file: Path | None) -> str | None:
    """Raise InvalidInput if the input does not fit the skill of the letters; say why if that cannot be told.

    The skill is known where the cluster file is, and where its modules can be imported.
    """
    kinds = {(letter.kind, letter.team, letter.skill) for letter in letters}
    if len(kinds) > 1:
        names = ", ".join(sorted(f"{team}/{skill}" if skill else kind for kind, team, skill in kinds))
        raise InvalidInput("input_for_many", f"one input cannot be for several skills: {names}; choose with --skill")
    kind, team, skill = next(iter(kinds), ("other", "", ""))
    if kind != "task":
        return None
    if file is None:
        return f"the input is not checked: name the cluster file with --cluster, where skill {skill!r} is known"
    try:
        _fit(data, file, team, skill)
    except SkillError as error:
        return f"the input is not checked: {error}"
    return None


def _fit(data: JsonObject, file: Path, team: str, skill: str) -> None:
    for place in (str(Path.cwd()), str(file.absolute().parent)):
        if place not in sys.path:
            sys.path.append(place)
    served = stations(WorkerSettings(team=team, cluster=file), load_cluster(file))
    known = next((station.skill for station in served if station.skill.name == skill), None)
    if known is not None:
        known.signature.bind(data, Context("dead/replay", skill=skill, team=team))
