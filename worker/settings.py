"""What a worker process wants to know."""

from __future__ import annotations

from pydantic import Field

from warren.messages.message import Token
from warren.runtime.settings import ServiceSettings, Words


class WorkerSettings(ServiceSettings):
    """For example `python -m worker --team scouts --skills survey_skills`."""

    team: Token = Field(description="the team that it works for, as in the cluster file")
    skills: Words = Field(
        default=(),
        description="modules that hold its skills, separated by commas; default: the team's in the cluster file",
    )
    only: Words = Field(default=(), description="serve only the skills of these names; default: all that are found")
    concurrency: int | None = Field(
        default=None, ge=1, le=10_000, description="how many tasks of each skill to run at once; default: by the skill"
    )
    results_per_message: int = Field(default=64, ge=1, le=256, description="how many results may share a message")
    max_tasks: int | None = Field(
        default=None, ge=1, description="leave after so many tasks, for a fresh process to take over; default: never"
    )
    max_memory_mb: int | None = Field(
        default=None,
        ge=1,
        description="leave when its memory, with its processes for handlers, is above so many MiB; default: never",
    )
    consumer_timeout_s: float | None = Field(
        default=None,
        gt=0,
        description="the broker's consumer_timeout, in seconds, if its configuration does not leave it at 30 minutes",
    )
