"""Ends what is left of a program whose guard was lost before it could.

All that a program starts inherits its environment, and in it the mark of its run. Only Linux tells the environment of
a process; elsewhere nothing is found.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

MARK: Final = "WARREN_RUN"
ENOUGH_S: Final = 5.0
"""What forks faster than it can be killed for so long is left alone."""
PAUSE_S: Final = 0.01


def kill_strays(run: str) -> None:
    """Return when no process bears the mark of this run. Blocks, and belongs in a thread."""
    until = time.monotonic() + ENOUGH_S
    while (found := strays(run)) and time.monotonic() < until:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE_S)


def strays(run: str) -> list[int]:
    """The process ids of all that bear the mark."""
    marked = f"{MARK}={run}".encode()
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended, or is somebody else's
            if marked in environment.read_bytes().split(b"\0"):
                found.append(int(environment.parent.name))
    return found
