"""An event loop whose time passes only when everybody waits, and then at once."""

from __future__ import annotations

import asyncio
import itertools
import selectors
from collections.abc import Coroutine, Iterator
from typing import Any, Final, Self

START_S: Final = 1_800_000_000.0
"""Unix seconds at which every simulation begins."""
RESOLUTION_S: Final = 1e-6
"""What so large a number can still tell apart; a timer that is nearer than this is due."""
MOST_ROUNDS: Final = 100_000
"""More rounds of the loop than any honest work needs at one moment."""


class Stuck(Exception):
    """Nobody will ever do anything again, or somebody does something for ever without time passing."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time outs, timers and the clock follow `time()`, which jumps to the next timer when nothing else is to do.

    Nothing may come from outside: no sockets, no threads, no child processes.
    """

    def __init__(self) -> None:
        self._now = START_S
        super().__init__(_Jumping(self))
        self._clock_resolution = RESOLUTION_S
        self._numbers = itertools.count(1)
        self.set_task_factory(self._numbered)

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    def _numbered(
        self, _: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any] | Any, **options: Any
    ) -> asyncio.Task[Any]:
        return _NumberedTask(work, self._numbers, loop=self, **options)


class LoopClock:
    """The clock of whoever runs on a virtual loop."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0))


class _Jumping(selectors.SelectSelector):
    """Instead of waiting for files it lets the loop's time jump."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop
        self._rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("everybody waits, and nobody for a time")
        self._rounds = self._rounds + 1 if timeout <= 0 else 0
        if self._rounds > MOST_ROUNDS:
            raise Stuck(f"{MOST_ROUNDS:,} rounds of the loop, and still the same moment")
        self._loop.jump(max(timeout, 0.0))
        return []


class _NumberedTask(asyncio.Task[Any]):
    """Sets of tasks are gone through in an order that does not depend on where in memory they lie."""

    def __new__(cls, _: Any, numbers: Iterator[int], **__: Any) -> Self:
        task = super().__new__(cls)
        task._number = next(numbers)
        return task

    def __init__(self, work: Any, _: Iterator[int], **options: Any) -> None:
        super().__init__(work, **options)

    def __hash__(self) -> int:
        return self._number

    _number: int
