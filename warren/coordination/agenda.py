"""When the next of all that waits for its time is due, as far as this process knows."""

from __future__ import annotations

import asyncio

from warren.clock import Clock


class Agenda:
    """Holds one moment, and wakes whoever sleeps until it when an earlier one becomes known."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next: float | None = None
        self._stirred = asyncio.Event()

    def clear(self) -> None:
        """Nothing is known to be due."""
        self._next = None
        self._stirred.clear()

    def expect(self, due_at: float | None) -> None:
        """Something is due then (Unix seconds)."""
        if due_at is not None and (self._next is None or due_at < self._next):
            self._next = due_at
            self._stirred.set()

    @property
    def is_due(self) -> bool:
        return self._next is not None and self._next <= self._clock.now()

    async def wait(self, at_least_s: float, at_most_s: float) -> None:
        """Until something is due, within these bounds."""
        end_s = self._clock.now() + at_most_s
        await self._clock.sleep(at_least_s)
        while (left_s := min(self._next or end_s, end_s) - self._clock.now()) > 0:
            self._stirred.clear()
            await self._sleep(left_s)

    async def _sleep(self, seconds: float) -> None:
        async with asyncio.TaskGroup() as group:
            waits = {group.create_task(self._clock.sleep(seconds)), group.create_task(self._stirred.wait())}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for each in waits:
                each.cancel()
