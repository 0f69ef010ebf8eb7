"""A team: its leads, its workers and what they can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from topology.section import Section
from topology.skill_settings import SkillSettings
from topology.token import Token

Module = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]


class Team(Section):
    """`warren up` starts this many processes; elsewhere the numbers are the orchestrator's."""

    leads: int = Field(default=1, ge=1, le=1_000, description="how many team lead processes")
    workers: int = Field(default=2, ge=0, le=10_000, description="how many worker processes")
    modules: tuple[Module, ...] = Field(
        default=(), strict=False, description="Python modules that hold the skills, importable from the file's folder"
    )
    skills: Mapping[Token, SkillSettings] = Field(
        default_factory=dict,
        description="what the team can do: a queue per skill is declared from this",
        json_schema_extra={"additionalProperties": False},
    )
