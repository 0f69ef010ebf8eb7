"""Order among the processes that write to one SQLite file.

SQLite's own waiting is a poll with growing pauses, and whoever has just finished a transaction nearly always gets the
next one too: a busy process can keep another one out for seconds. Here processes queue at a lock file instead. Only
the first in the queue asks SQLite, and the one that has just finished must queue again.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PAUSES_S: Final = (0.0001, 0.0002, 0.0005)
LONGEST_PAUSE_S: Final = 0.001


class Turnstile:
    """A queue of processes, and of ledgers within one process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def close(self) -> None:
        os.close(self._file)

    @contextmanager
    def queued(self) -> Iterator[None]:
        """Held by the first in the queue."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


def ask_until(get: Callable[[], bool], timeout_s: float) -> bool:
    """Whether `get` succeeded in time, asked at short intervals."""
    deadline = time.monotonic() + timeout_s
    pauses = iter(PAUSES_S)
    while not get():
        if time.monotonic() > deadline:
            return False
        time.sleep(next(pauses, LONGEST_PAUSE_S))
    return True
