"""Whether a failed attempt is followed by another, and when."""

from __future__ import annotations

from dataclasses import dataclass

from topology.names import RETRY_UNIT_MS
from topology.retry_ladder import backoff_ms, units_for


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a task is tried in all, and how long to wait between: at most `base_s`, doubling up to `cap_s`.

    >>> RetryPolicy(max_attempts=2).delay_ms(1, draw=1.0)
    1000.0
    """

    max_attempts: int = 3
    base_s: float = 1.0
    cap_s: float = 300.0

    def delay_ms(self, attempt: int, *, draw: float, after_s: float | None = None) -> float | None:
        """Milliseconds until the attempt after `attempt` (from 1); None if that was the last.

        `draw` is a random number in 0..1; `after_s` is the wish of the handler and wins over the policy.
        """
        if attempt >= self.max_attempts:
            return None
        if after_s is not None:
            return max(after_s, 0.0) * 1000
        return backoff_ms(attempt, base_s=self.base_s, cap_s=self.cap_s, draw=draw)

    def delay_units(
        self, attempt: int, *, draw: float, after_s: float | None = None, left_s: float | None = None
    ) -> int | None:
        """The same in steps of the retry ladder; None also if `left_s`, until the deadline, would be over by then."""
        delay_ms = self.delay_ms(attempt, draw=draw, after_s=after_s)
        if delay_ms is None:
            return None
        units = units_for(delay_ms)
        return None if left_s is not None and units * RETRY_UNIT_MS >= left_s * 1000 else units
