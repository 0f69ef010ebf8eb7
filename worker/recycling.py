"""A worker that leaves for a fresh one: after enough work, as what its handlers leak adds up, or when it is told."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from warren.clock import Clock

PERIOD_S: Final = 1.0
"""How often memory is looked at."""
MEBIBYTE: Final = 1024 * 1024
PROC: Final = Path("/proc")
KIBIBYTE: Final = 1024


def memory_bytes(children: Iterable[int] = ()) -> int:
    """What this process and its children, by process id, keep in memory now.

    Where the system does not tell, the most that this process ever did.
    """
    own = _resident_bytes("self")
    if own is None:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE
    return own + sum(_resident_bytes(str(child)) or 0 for child in children)


def _resident_bytes(process: str) -> int | None:
    """None where there is no such process, or no way to know."""
    with suppress(OSError, ValueError, IndexError):
        return int((PROC / process / "statm").read_text().split()[1]) * resource.getpagesize()
    return None


class Recycling:
    """Counts tasks and watches memory; None is no limit."""

    def __init__(
        self,
        max_tasks: int | None = None,
        max_memory_mb: int | None = None,
        memory: Callable[[], int] = memory_bytes,
    ) -> None:
        self._max_tasks = max_tasks
        self._max_memory_mb = max_memory_mb
        self._memory = memory
        self._tasks = 0
        self._full = asyncio.Event()
        self.reason: str | None = None
        """Why it is time to leave."""

    def count(self) -> None:
        """One more attempt has ended."""
        self._tasks += 1
        if self._max_tasks is not None and self._tasks >= self._max_tasks and self.reason is None:
            self.leave(f"it has run {self._tasks} tasks; its limit is {self._max_tasks}")

    def leave(self, reason: str) -> None:
        """It is time, whatever was counted."""
        self.reason = self.reason or reason
        self._full.set()

    async def due(self, clock: Clock) -> None:
        """Return when it is time to leave, which may be never."""
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch_memory(clock))
            await self._full.wait()
            watching.cancel()

    async def _watch_memory(self, clock: Clock) -> None:
        if self._max_memory_mb is None:
            return
        while (used := self._memory() // MEBIBYTE) <= self._max_memory_mb:
            await clock.sleep(PERIOD_S)
        self.leave(f"it uses {used} MiB of memory; its limit is {self._max_memory_mb}")
