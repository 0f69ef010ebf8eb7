"""From the cluster file and the named modules to what this worker serves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from topology.cluster import Cluster
from topology.team import Team
from warren.errors import SkillError
from warren.skills.command import command_skill
from warren.skills.registry import chosen, load_skills, skills_of_team
from warren.skills.skill import Skill
from worker.settings import WorkerSettings
from worker.station import Station, station


def stations(settings: WorkerSettings, cluster: Cluster) -> list[Station]:
    """Raises SkillError if there is nothing to serve, or something that no queue leads to."""
    team = _team(settings.team, cluster)
    modules = settings.skills or team.modules
    skills = {**_written(settings.team, team, modules), **_commands(settings, team)}
    if settings.only:
        skills = dict(chosen(skills, settings.only))
    if not settings.skills:
        _check_complete(settings, team, skills)
    if not skills:
        raise SkillError(_nothing(settings.team, modules))
    return [
        station(settings.team, skill, team.skills[name], concurrency=settings.concurrency)
        for name, skill in skills.items()
    ]


def _team(name: str, cluster: Cluster) -> Team:
    if name not in cluster.teams:
        raise SkillError(f"the cluster file has no team {name!r}; its teams are {', '.join(cluster.teams)}")
    return cluster.teams[name]


def _written(name: str, team: Team, modules: Iterable[str]) -> Mapping[str, Skill]:
    """What the modules have for this team. A skill of no team belongs to the teams that list it."""
    skills = skills_of_team(load_skills(modules), name)
    for skill in skills.values():
        if skill.name not in team.skills and skill.team == name:
            raise SkillError(
                f"skill {skill.name!r} of {skill.place} is not listed in the cluster file: no queue leads to it; add "
                f"`{skill.name}: {{}}` to teams.{name}.skills there"
            )
    both = [key for key in skills if key in team.skills and team.skills[key].command is not None]
    if both:
        raise SkillError(
            f"skill {both[0]!r} is a command in the cluster file, and a function: {skills[both[0]].place}; keep one"
        )
    return {key: skill for key, skill in skills.items() if key in team.skills}


def _commands(settings: WorkerSettings, team: Team) -> Mapping[str, Skill]:
    folder = Path(settings.cluster).absolute().parent
    return {
        name: command_skill(name, settings.team, about, folder)
        for name, about in team.skills.items()
        if about.command is not None
    }


def _check_complete(settings: WorkerSettings, team: Team, skills: Mapping[str, Skill]) -> None:
    """Without flags a worker serves its whole team: then nothing may be missing."""
    missing = [name for name in team.skills if name not in skills]
    if missing and not settings.only:
        raise SkillError(
            f"team {settings.team} has skills that no module of it defines: {', '.join(missing)}; name their modules "
            f"in teams.{settings.team}.modules, or give them a command"
        )


def _nothing(team: str, modules: Iterable[str]) -> str:
    others = sorted({f"{skill.name} ({skill.team or 'any team that lists it'})" for skill in load_skills(modules)})
    where = f"the modules {', '.join(modules)}" if tuple(modules) else "no module, for none is named,"
    held = f"; they hold {', '.join(others)}" if others else ""
    return f"there is nothing to serve: {where} and the cluster file give team {team} no skill{held}"
