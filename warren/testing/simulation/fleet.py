"""Many seeds on all cores, in the order of the seeds."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Iterator, Sequence

from warren.testing.simulation.run import Run, simulate

CHUNK = 4
"""Seeds that a process takes at once."""


def runs(seeds: Sequence[int], processes: int | None = None) -> Iterator[Run]:
    """The runs of all seeds, in their order; leaving early ends the rest."""
    count = processes or len(os.sched_getaffinity(0))
    with multiprocessing.get_context("spawn").Pool(count, initializer=be_silent) as pool:
        yield from pool.imap(simulate, seeds, chunksize=CHUNK)


def be_silent() -> None:
    """What processes that are killed on purpose log is of no interest, and takes time."""
    logging.disable()
