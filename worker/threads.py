"""Threads for plain handlers. Nothing can stop one from outside: it is told, and keeps its thread until it heeds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

ABANDONED: Final = 64
"""So many handlers may outlast their time, beside those that are waited for; with more the next would not begin."""


class Threads:
    """As many as are busy at once, and room for those that nobody waits for any more.

    When that is used up, `overrun` is told why this process should make room for a fresh one.
    """

    def __init__(self, busy: int, overrun: Callable[[str], None]) -> None:
        self.pool = ThreadPoolExecutor(busy + ABANDONED, thread_name_prefix="skill")
        self._overrun = overrun
        self._abandoned: set[Future[Any]] = set()

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What the function returns; whoever stops waiting leaves it to itself."""
        working = self.pool.submit(function, *arguments)
        try:
            return await asyncio.wrap_future(working)
        except asyncio.CancelledError:
            self._abandon(working)
            raise

    def close(self) -> None:
        """Begin nothing more, and wait for nobody."""
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _abandon(self, working: Future[Any]) -> None:
        if working.done():
            return
        self._abandoned.add(working)
        working.add_done_callback(self._abandoned.discard)
        if len(self._abandoned) >= ABANDONED:
            count = len(self._abandoned)
            self._overrun(f"{count} handlers in threads go on after their time, and leave no thread for others")
