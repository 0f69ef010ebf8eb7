"""Time as a value that is handed in, so that whole clusters can run on a virtual one."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from typing import Protocol


class Clock(Protocol):
    """What everything that needs the time or a pause is given."""

    def now(self) -> float:
        """Seconds since the Unix epoch, UTC."""

    async def sleep(self, seconds: float) -> None:
        """Pause the caller."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class VirtualClock:
    """A clock that stands still until `advance` moves it, and wakes sleepers in the order of their times."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        wake = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + max(seconds, 0.0), next(self._order), wake))
        await wake

    def next_wake(self) -> float | None:
        """When the next sleeper is due, or None if nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def advance(self, seconds: float) -> None:
        """Move time forward and wake everybody whose time has come, earliest first."""
        self.advance_to(self._now + seconds)

    def advance_to(self, moment: float) -> None:
        """Move time to `moment` (Unix seconds); the past is left alone."""
        while (due := self.next_wake()) is not None and due <= moment:
            _, _, wake = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            wake.set_result(None)
        self._now = max(self._now, moment)
