"""Finds skills in modules that are named on a command line or in cluster.yaml."""

from __future__ import annotations

import difflib
import importlib
import traceback
from collections.abc import Iterable, Mapping
from types import MappingProxyType, ModuleType

from warren.errors import SkillError
from warren.skills.skill import Skill, skill_of


def load_skills(modules: Iterable[str]) -> list[Skill]:
    """All skills of the modules, each once, in the order in which they are written. Raises SkillError."""
    found: dict[int, Skill] = {}
    for name in modules:
        for value in list(vars(_module(name)).values()):
            if (made := skill_of(value)) is not None:
                found[id(made)] = made
    return list(found.values())


def skills_of_team(skills: Iterable[Skill], team: str) -> Mapping[str, Skill]:
    """By name, what a worker of `team` can do: the team's own skills and those that name no team.

    Raises SkillError if two have the same name.
    """
    by_name: dict[str, Skill] = {}
    for made in skills:
        if made.team not in (None, team):
            continue
        if (other := by_name.get(made.name)) is not None:
            raise SkillError(
                f"team {team} has two skills {made.name!r}: {other.place} and {made.place}; rename one of them"
            )
        by_name[made.name] = made
    return MappingProxyType(by_name)


def chosen(skills: Mapping[str, Skill], names: Iterable[str]) -> Mapping[str, Skill]:
    """Only the skills of these names. Raises SkillError for one that is not there."""
    return MappingProxyType({name: _known(skills, name) for name in names})


def _known(skills: Mapping[str, Skill], name: str) -> Skill:
    if name in skills:
        return skills[name]
    close = difflib.get_close_matches(name, skills, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    raise SkillError(f"there is no skill {name!r}; {guess}known here: {', '.join(sorted(skills)) or 'none'}")


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise SkillError(
                f"there is no module {name!r}; check the spelling, and that its folder is on PYTHONPATH or is the "
                "working directory"
            ) from None
        raise SkillError(f"module {name!r} cannot be imported: {_reason(error)}") from error
    except SkillError:
        raise
    except (Exception, SystemExit) as error:
        raise SkillError(f"module {name!r} cannot be imported: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """The error and the line of the module that it comes from."""
    text = "".join(traceback.format_exception_only(error)).strip()
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    return f"{text} ({frames[-1].filename}:{frames[-1].lineno})" if len(frames) > 1 else text
