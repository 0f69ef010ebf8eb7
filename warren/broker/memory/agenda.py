"""What has to happen at a given time, in one place and in a fixed order."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

from warren.clock import Clock

Action = Callable[[float], None]
"""Is called with the moment it was due, not the moment somebody came round to it."""


class Agenda:
    """Runs actions when their time has come: before anything else is done at that time, and while all else waits.

    Because an action learns when it was due, one long jump of a virtual clock has the same effect as many small
    steps.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._order = itertools.count()
        self._entries: list[tuple[float, int, Action]] = []
        self._noted = asyncio.Event()
        self._sleeper: asyncio.Task[None] | None = None

    def at(self, moment: float, action: Action) -> None:
        """Note an action for `moment` (Unix seconds)."""
        is_next = not self._entries or moment < self._entries[0][0]
        heapq.heappush(self._entries, (moment, next(self._order), action))
        if is_next:
            self._noted.set()
            if self._sleeper is not None:
                self._sleeper.cancel()

    def catch_up(self) -> float:
        """Do all that is due, and return the time."""
        now = self._clock.now()
        while self._entries and self._entries[0][0] <= now:
            due, _, action = heapq.heappop(self._entries)
            action(due)
        return now

    async def run(self) -> None:
        """Do what is due when it is due, until cancelled."""
        while True:
            self._noted.clear()
            now = self.catch_up()
            if self._entries:
                await self._doze(self._entries[0][0] - now)
            else:
                await self._noted.wait()

    async def _doze(self, seconds: float) -> None:
        """Sleep; an entry for an earlier time cuts it short."""
        async with asyncio.TaskGroup() as group:
            self._sleeper = group.create_task(self._clock.sleep(seconds))
        self._sleeper = None
