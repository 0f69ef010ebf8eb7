"""`python -m warren.testing.simulation --seeds 10000`: look for a seed that breaks a promise.

--seeds N       run so many seeds; the first that fails is printed, and the exit code is 1
--first N       begin with this one instead of 0
--seed N        run this one alone and print what happened, step by step
--processes N   default: one for each core
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Final

from warren.testing.simulation.fleet import be_silent, runs
from warren.testing.simulation.run import Run, simulate

PROGRESS_EVERY: Final = 500


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    given = _arguments(arguments)
    if given.seed is not None:
        return _replay(given.seed)
    return _search(range(given.first, given.first + given.seeds), given.processes)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m warren.testing.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--processes", type=int)
    return parser.parse_args(arguments)


def _search(seeds: range, processes: int | None) -> int:
    begun, deaths, virtual_s = time.monotonic(), 0, 0.0
    for run in runs(seeds, processes):
        deaths, virtual_s = deaths + run.deaths, virtual_s + run.took_s
        if not run.is_good:
            _print_failure(run)
            return 1
        done = run.seed - seeds.start + 1
        if done % PROGRESS_EVERY == 0 or done == len(seeds):
            took_s = time.monotonic() - begun
            _say(
                f"{done:,} seeds, no promise broken: {virtual_s / 3600:.1f} hours of cluster, {deaths:,} processes "
                f"killed, in {took_s:.0f} s"
            )
    return 0


def _replay(seed: int) -> int:
    be_silent()
    run = simulate(seed, keep_lines=True)
    for line in run.lines:
        _say(line)
    if run.is_good:
        _say(f"seed {seed}: no promise broken; fingerprint {run.fingerprint}")
        return 0
    _print_failure(run)
    return 1


def _print_failure(run: Run) -> None:
    _say(f"seed {run.seed} breaks a promise (fingerprint {run.fingerprint}):")
    for complaint in run.complaints:
        _say(f"  {complaint}")
    _say(f"replay it step by step: make simulate SEED={run.seed}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
