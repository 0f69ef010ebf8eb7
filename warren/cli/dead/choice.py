"""Which dead letters a command is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from warren.client.letter import Letter
from warren.errors import InvalidInput

UNITS_S: Final = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
AGE: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")

Named = Annotated[
    list[str] | None,
    typer.Argument(metavar="[TASK|NUMBER]...", help="Ids of tasks, or numbers of letters within one queue."),
]
Team = Annotated[str | None, typer.Option(help="Only this team's; `director` for what was handed in and refused.")]
Skill = Annotated[str | None, typer.Option(help="Only of this skill.")]
Error = Annotated[str | None, typer.Option(help="Only with this error code, or this exception's class.")]
Project = Annotated[str | None, typer.Option(help="Only of this project.")]
Older = Annotated[str | None, typer.Option(metavar="AGE", help="Only given up longer ago than this: 90s, 15m, 2h, 3d.")]
Newer = Annotated[str | None, typer.Option(metavar="AGE", help="Only given up since then: 90s, 15m, 2h, 3d.")]
Limit = Annotated[int, typer.Option(min=1, max=65_535, help="How many letters of each queue to look at.")]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a letter must be to be meant. Ages are in seconds."""

    named: tuple[str, ...] = ()
    skill: str | None = None
    error: str | None = None
    project: str | None = None
    older_s: float | None = None
    newer_s: float | None = None

    @property
    def is_everything(self) -> bool:
        return self == Choice()

    def takes(self, letter: Letter, now: float) -> bool:
        """Whether the letter is meant."""
        return (
            (not self.named or self._names(letter))
            and self.skill in (None, letter.skill)
            and self.error in (None, letter.code, letter.type)
            and (self.project is None or self.project in letter.projects)
            and self._is_of_age(letter, now)
        )

    def _names(self, letter: Letter) -> bool:
        return str(letter.number) in self.named or any(task.id in self.named for task in letter.tasks)

    def _is_of_age(self, letter: Letter, now: float) -> bool:
        if self.older_s is None and self.newer_s is None:
            return True
        if letter.died_s is None:
            return False
        age_s = now - letter.died_s
        return (self.older_s is None or age_s > self.older_s) and (self.newer_s is None or age_s <= self.newer_s)


def choice(
    named: list[str] | None,
    *,
    skill: str | None,
    error: str | None,
    project: str | None,
    older: str | None,
    newer: str | None,
    team: str | None,
) -> Choice:
    """Raises InvalidInput for an age that is none, and for a letter's number without its queue."""
    if team is None and any(name.isdigit() for name in named or ()):
        raise InvalidInput("team_missing", "letters are numbered within one queue: name it with --team")
    return Choice(
        named=tuple(named or ()),
        skill=skill,
        error=error,
        project=project,
        older_s=seconds(older, "--older"),
        newer_s=seconds(newer, "--newer"),
    )


def insist_on_choice(chosen: Choice, team: str | None, *, everything: bool) -> None:
    """Raise InvalidInput where all letters of all teams are meant without anybody having said so."""
    if chosen.is_everything and team is None and not everything:
        raise InvalidInput("nothing_chosen", "name tasks, choose with a filter, or give --all")


def seconds(age: str | None, option: str) -> float | None:
    """An age in words as seconds. Raises InvalidInput.

    >>> seconds("1.5h", "--older")
    5400.0
    """
    if age is None:
        return None
    found = AGE.fullmatch(age)
    if found is None:
        raise InvalidInput("age_invalid", f"{option} {age}: write an age such as 90s, 15m, 2h or 3d")
    return float(found[1]) * UNITS_S[found[2] or "s"]
