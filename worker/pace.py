"""How fast a worker gets through the messages of one skill: whether more of them should lie ready."""

from __future__ import annotations

from typing import Final

FAST_S: Final = 0.05
"""What takes less than this, for a whole message, would spend much of a slot's time waiting for the next one."""
SLOW_S: Final = 0.2
SMOOTHING: Final = 0.1
LEARNT_FROM: Final = 16


class Pace:
    """A moving average of the time that one message keeps a slot, in seconds."""

    def __init__(self) -> None:
        self._average_s = 0.0
        self._messages = 0

    def learn(self, took_s: float) -> None:
        took_s = max(took_s, 0.0)
        self._messages += 1
        self._average_s += max(SMOOTHING, 1 / self._messages) * (took_s - self._average_s)

    @property
    def is_fast(self) -> bool:
        return self._messages >= LEARNT_FROM and self._average_s < FAST_S

    @property
    def is_slow(self) -> bool:
        return self._average_s > SLOW_S
