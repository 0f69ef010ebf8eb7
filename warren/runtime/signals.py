"""SIGTERM and SIGINT: the first asks to drain, the second to stop at once, the third kills."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stop_on_signals(drain: Callable[[], object], stop_now: Callable[[], object]) -> Iterator[None]:
    """Call `drain` on the first signal, `stop_now` on the second, and leave the third to the system."""
    loop = asyncio.get_running_loop()
    steps = iter((drain, stop_now))

    def handle(last: Callable[[], object] = stop_now) -> None:
        step = next(steps)
        if step is last:
            _give_back(loop)
        step()

    for number in STOPPING:
        loop.add_signal_handler(number, handle)
    try:
        yield
    finally:
        _give_back(loop)


def _give_back(loop: asyncio.AbstractEventLoop) -> None:
    for number in STOPPING:
        if loop.remove_signal_handler(number):
            signal.signal(number, signal.SIG_DFL)
