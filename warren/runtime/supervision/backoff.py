"""How long to wait before a process that died is started again."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubles with every death in a row. A value: `after_death` and `after_life` give the next one."""

    first_s: float = 0.25
    longest_s: float = 10.0
    healthy_s: float = 10.0
    """Whoever lived this long begins anew."""
    deaths: int = 0

    @property
    def pause_s(self) -> float:
        pause_s: float = min(self.longest_s, self.first_s * 2.0 ** max(0, self.deaths - 1))
        return pause_s

    def after_death(self, lived_s: float) -> Backoff:
        return replace(self, deaths=1 if lived_s >= self.healthy_s else self.deaths + 1)
