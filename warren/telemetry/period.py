"""From when to when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when, in Unix seconds."""

    start_s: float
    end_s: float

    def within(self, outer: Period) -> Period:
        """The part that lies within `outer`, however the clocks went."""
        start_s = min(max(self.start_s, outer.start_s), outer.end_s)
        return Period(start_s, max(start_s, min(self.end_s, outer.end_s)))
