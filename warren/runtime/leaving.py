"""Ends a process whose work is done, even where a thread of a handler's would keep it."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from typing import Final

LINGER_S: Final = 1.0
"""What threads get to notice that it is over, and with them whatever is registered for a process's end."""


def leave(code: int, *, linger_s: float = LINGER_S) -> int:
    """Give the code on to `sys.exit`, which waits for all threads; and end hard when that has taken too long.

    A plain function in a thread cannot be stopped from outside. Its task was given back, so nobody needs its end.
    """
    threading.Thread(target=_end, args=(code, linger_s), name="leaving", daemon=True).start()
    return code


def _end(code: int, linger_s: float) -> None:
    time.sleep(linger_s)
    sys.stderr.write("leaving without waiting any longer for a handler that runs in a thread\n")
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
