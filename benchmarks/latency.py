"""How long a project of a single task takes, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.contender import Contender
from benchmarks.experiment import Findings, figures_by_contender
from benchmarks.figures import Spread, percentile
from benchmarks.suite import Suite, Turn
from benchmarks.table import Table

NAME = "latency"
MS_PER_S = 1e3
FIGURES = ("p50_ms", "p99_ms", "max_ms")


async def latency(suite: Suite, *, projects: int) -> Findings:
    async def measure(contender: Contender) -> dict[str, Any]:
        times_ms = [await contender.run(1) * MS_PER_S for _ in range(projects)]
        return {"p50_ms": percentile(times_ms, 50), "p99_ms": percentile(times_ms, 99), "max_ms": max(times_ms)}

    turns = await suite.play(measure)
    return Findings(NAME, {"projects": projects, "rounds": suite.rounds}, turns, [_table(turns, projects)])


def _table(turns: Sequence[Turn], projects: int) -> Table:
    by_figure = {figure: figures_by_contender(turns, figure) for figure in FIGURES}
    rows = [
        [name, *(Spread.of(list(by_figure[figure][name].values())).text(2) for figure in FIGURES)]
        for name in by_figure[FIGURES[0]]
    ]
    title = f"Latency: {projects:,} projects of one task, one after the other"
    return Table(title, ["contender", "p50 ms", "p99 ms", "max ms"], rows, "Median [min-max] over the rounds.")
