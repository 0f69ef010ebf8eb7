"""Whether a task's cost and a process's memory stay flat while the project grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.contender import Contender
from benchmarks.experiment import Findings, figures_by_contender
from benchmarks.figures import growth
from benchmarks.suite import Measure, Suite, Turn
from benchmarks.table import Table

NAME = "scaling"
FLAT_WITHIN = 1.3
US_PER_S = 1e6
COST = "us/task"


async def scaling(suite: Suite, *, sizes: Sequence[int]) -> Findings:
    """Each size in a fresh set of processes, so that a peak of memory belongs to its size alone."""
    by_size = {size: await suite.play(_measure(suite, size)) for size in sorted(sizes)}
    turns = [turn for turns in by_size.values() for turn in turns]
    tables = [_table(name, by_size) for name in figures_by_contender(turns, "cost")]
    return Findings(NAME, {"sizes": list(sizes), "rounds": suite.rounds}, turns, tables)


def _measure(suite: Suite, size: int) -> Measure:
    async def measure(contender: Contender) -> dict[str, Any]:
        seconds, usage = await suite.run_watched(contender, size)
        own = {role: rss for role, rss in usage.peak_rss_mib.items() if role not in suite.services.processes}
        return {"tasks": size, "cost": seconds / size * US_PER_S, "peak_rss_mib": own}

    return measure


def _table(name: str, by_size: Mapping[int, Sequence[Turn]]) -> Table:
    series = _series(name, by_size)
    sizes = sorted({size for figures in series.values() for size in figures})
    rows = [
        [figure, *(_cell(values, size) for size in sizes), f"{growth(values):.2f}", _verdict(growth(values))]
        for figure, values in series.items()
    ]
    columns = ["figure", *(f"{size:,} tasks" for size in sizes), "growth", f"flat within {FLAT_WITHIN}"]
    return Table(f"Scaling: {name}", columns, rows, "Medians; growth is the worst factor from a size to a larger one.")


def _series(name: str, by_size: Mapping[int, Sequence[Turn]]) -> dict[str, dict[int, float]]:
    """Figure to size to median: the cost of a task, and the peak memory of each process."""
    series: dict[str, dict[int, float]] = {}
    for size, turns in by_size.items():
        done = [turn.figures for turn in turns if turn.contender == name and turn.error is None]
        for figure, values in _values(done).items():
            series.setdefault(figure, {})[size] = median(values)
    return series


def _values(done: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    for figures in done:
        values.setdefault(COST, []).append(figures["cost"])
        for role, rss in figures["peak_rss_mib"].items():
            values.setdefault(f"{role} peak MiB", []).append(rss)
    return values


def _cell(values: Mapping[int, float], size: int) -> str:
    return f"{values[size]:,.1f}" if size in values else "-"


def _verdict(factor: float) -> str:
    return "yes" if factor <= FLAT_WITHIN else "NO"
