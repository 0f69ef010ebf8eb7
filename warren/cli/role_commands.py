"""The commands `director`, `teamlead` and `worker`: each is its `python -m`, in the same process.

So in a container the role itself has the process id 1 and gets the signals.
"""

from __future__ import annotations

import runpy


def director() -> None:
    """Run one director process."""
    runpy.run_module("director", run_name="__main__", alter_sys=True)


def teamlead() -> None:
    """Run one team lead process."""
    runpy.run_module("teamlead", run_name="__main__", alter_sys=True)


def worker() -> None:
    """Run one worker process."""
    runpy.run_module("worker", run_name="__main__", alter_sys=True)
