"""Where commands become asynchronous, and what Ctrl-C does before that."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any, Final, NoReturn, TypeVar

T = TypeVar("T")

INTERRUPTED: Final = 130
"""What a shell reports of a program that Ctrl-C ended."""


def leave_on_interrupt() -> None:
    """End the process at once on Ctrl-C, until `complete`.

    An exception would not do: while modules are imported it may be raised where Python prints exceptions and forgets
    them, and a cluster would come up that somebody has just stopped.
    """
    signal.signal(signal.SIGINT, _leave)


def complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result; within it Ctrl-C is asyncio's to handle, or the coroutine's own."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return asyncio.run(coroutine)


def _leave(number: int, frame: object) -> NoReturn:
    del number, frame
    os._exit(INTERRUPTED)
