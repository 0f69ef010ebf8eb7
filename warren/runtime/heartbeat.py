"""Notices an event loop that is stuck."""

from __future__ import annotations

import asyncio
import time
from typing import Final

BEAT_S: Final = 0.5
STUCK_AFTER_S: Final = 10.0


class Heartbeat:
    """Beats in the event loop; read from another thread, it tells how long the loop has not come round."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    async def run(self) -> None:
        while True:
            self._last = time.monotonic()
            await asyncio.sleep(BEAT_S)

    @property
    def age_s(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - self._last
