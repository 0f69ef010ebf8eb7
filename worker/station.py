"""One skill as one worker serves it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from topology.names import work_queue
from topology.skill_settings import SkillSettings
from warren.errors import SkillError
from warren.skills.skill import Mode, Skill, cap_below_base
from worker.retry import RetryPolicy

ON_LOOP: Final = 8
IN_THREADS: Final = 32
BESIDE_CORES: Final = 4
NOTHING_SET: Final = SkillSettings()
DEFAULT: Final = RetryPolicy()


@dataclass(frozen=True, slots=True)
class Station:
    """A skill with what a cluster file, the skill itself and the defaults say about it, in this order."""

    team: str
    skill: Skill
    concurrency: int
    policy: RetryPolicy
    timeout_s: float | None
    longest_s: float | None = None
    """How long one message may keep a worker, if anything limits it: a fixed bundle takes a multiple of its tasks."""

    @property
    def queue(self) -> str:
        return work_queue(self.team, self.skill.name)


def station(
    team: str,
    skill: Skill,
    settings: SkillSettings = NOTHING_SET,
    *,
    concurrency: int | None = None,
    cores: int | None = None,
) -> Station:
    """`concurrency` is what the operator of this process wants. Raises SkillError for what cannot be together."""
    line = settings.command
    timeout_s = (line and line.timeout_s) or settings.timeout_s or skill.timeout_s
    bundle = settings.bundle if isinstance(settings.bundle, int) else 1
    return Station(
        team=team,
        skill=skill,
        concurrency=concurrency or settings.concurrency or skill.concurrency or _concurrency(skill.mode, cores),
        policy=_policy(skill, settings),
        timeout_s=timeout_s if line is None else None,  # a command keeps its own, and can tell how it was stopped
        longest_s=None if timeout_s is None else timeout_s * bundle,
    )


def _policy(skill: Skill, settings: SkillSettings) -> RetryPolicy:
    """A default gives way to what was set; what was set in two places has to fit."""
    base_s, cap_s = settings.base_s or skill.base_s, settings.cap_s or skill.cap_s
    if base_s is not None and cap_s is not None and cap_s < base_s:
        raise SkillError(f"{skill.place}, with what cluster.yaml sets for it: {cap_below_base(base_s, cap_s)}")
    return RetryPolicy(
        max_attempts=settings.max_attempts or skill.max_attempts or DEFAULT.max_attempts,
        base_s=base_s or min(DEFAULT.base_s, cap_s or DEFAULT.base_s),
        cap_s=cap_s or max(DEFAULT.cap_s, base_s or DEFAULT.cap_s),
    )


def _concurrency(mode: Mode, cores: int | None) -> int:
    usable = cores or len(os.sched_getaffinity(0))
    match mode:
        case Mode.LOOP:
            return ON_LOOP
        case Mode.THREAD:
            return min(IN_THREADS, usable + BESIDE_CORES)
        case Mode.PROCESS:
            return usable
