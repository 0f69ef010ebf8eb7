"""How many tasks of one skill go into one message: many that are cheap, one that is slow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

TARGET_S: Final = 0.05
"""About this much work goes into one bundle."""
MAX_BUNDLE: Final = 64
SMOOTHING: Final = 0.05
"""Weight of a new run time in the exponentially weighted moving average."""

Skill = tuple[str, str]
"""(team, skill)."""


@dataclass(slots=True)
class RunTimes:
    """How long each skill took of late, in seconds, learnt from results."""

    _average_s: dict[Skill, float] = field(default_factory=dict)

    def learn(self, skill: Skill, took_s: float) -> None:
        took_s = max(took_s, 0.0)
        known_s = self._average_s.get(skill, took_s)
        self._average_s[skill] = known_s + SMOOTHING * (took_s - known_s)

    def average_s(self, skill: Skill) -> float | None:
        """None while nothing is known."""
        return self._average_s.get(skill)


def bundle_size(average_s: float | None, *, fixed: int | None, waiting: int, workers: int) -> int:
    """How many of `waiting` tasks go into one message.

    `fixed` is what the cluster file says, if it does. Else a skill whose run time is not known gets one task per
    message, and no bundle is larger than an even share of what waits over the `workers` that are present.
    """
    if fixed is not None:
        return fixed
    if average_s is None:
        return 1
    by_time = MAX_BUNDLE if average_s <= TARGET_S / MAX_BUNDLE else int(TARGET_S / average_s)
    even_share = -(-waiting // max(workers, 1))
    return max(1, min(by_time, even_share, MAX_BUNDLE))
