"""How a team's workers run one skill."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from topology.command_line import CommandLine
from topology.section import Section

MAX_BUNDLE = 64


def _bundle(value: Any) -> Any:
    if value == "auto" or (type(value) is int and 1 <= value <= MAX_BUNDLE):
        return value
    raise PydanticCustomError("bundle", f'must be "auto" or a whole number from 1 to {MAX_BUNDLE}')


Bundle = Annotated[Literal["auto"] | Annotated[int, Field(ge=1, le=MAX_BUNDLE)], BeforeValidator(_bundle)]


class SkillSettings(Section):
    """What is set here wins over what the skill's own code declares; what is left out is the skill's own."""

    concurrency: int | None = Field(
        default=None, ge=1, le=10_000, description="how many tasks of this skill one worker runs at once"
    )
    bundle: Bundle = Field(
        default="auto", description="tasks per message: a number, or auto to aim at about 50 ms of work"
    )
    timeout_s: float | None = Field(default=None, gt=0, le=86_400, description="how long one attempt may run")
    max_attempts: int | None = Field(default=None, ge=1, le=1_000, description="how often a task is tried in all")
    base_s: float | None = Field(
        default=None, gt=0, le=16_383, description="the longest wait before the second attempt; it doubles from there"
    )
    cap_s: float | None = Field(default=None, gt=0, le=16_383, description="the longest wait between two attempts")
    command: CommandLine | None = Field(
        default=None, description="makes a command-line program of this machine a skill"
    )

    @model_validator(mode="after")
    def _cap_is_above_base(self) -> Self:
        if self.base_s is not None and self.cap_s is not None and self.cap_s < self.base_s:
            raise PydanticCustomError(
                "cap_below_base",
                "cap_s ({cap_s} s) is below base_s ({base_s} s), but no wait can be longer than the longest; raise "
                "cap_s or lower base_s",
                {"cap_s": f"{self.cap_s:g}", "base_s": f"{self.base_s:g}"},
            )
        return self
