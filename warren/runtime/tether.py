"""Ties a process to its parent: when the parent is gone, however it went, so is the process."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping
from typing import Final

VARIABLE: Final = "WARREN_TETHER"
"""Set by a supervisor that holds the other end of this process's standard input."""
STDIN: Final = 0
CHUNK_BYTES: Final = 4096


def tie(environment: Mapping[str, str], grace_s: float) -> None:
    """Drain when standard input ends, and exit hard `grace_s` later: an event loop that is stuck would not notice.

    A pipe needs no polling, works on every Unix, and cannot miss a parent that died before we looked.
    """
    if environment.get(VARIABLE) == "stdin":
        threading.Thread(target=_hold, args=(grace_s,), name="tether", daemon=True).start()


def _hold(grace_s: float) -> None:
    try:
        while os.read(STDIN, CHUNK_BYTES):
            pass
    except OSError:
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace_s)
    os._exit(1)
