"""What Warren has to reach on a machine of two cores, and whether this run shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks import latency, scaling, throughput
from benchmarks.experiment import Findings, figures_by_contender
from benchmarks.figures import Spread, paired_ratios
from benchmarks.suite import Turn
from benchmarks.table import Table

LEDGERS = ("sqlite", "postgres")
MEMORY_LIMIT_MIB = 150
COORDINATORS = ("director", "lead")


@dataclass(frozen=True, slots=True)
class Target:
    """A figure of one experiment, the limit that it is held against, and on which side of it is right."""

    text: str
    experiment: str
    figure: Callable[[Sequence[Turn]], float | None]
    limit: float
    at_least: bool

    def met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


def targets_table(findings: Sequence[Findings]) -> Table | None:
    """Every target that this run has figures for; None where it has for none."""
    turns = {found.experiment: found.turns for found in findings}
    rows = []
    for target in _targets():
        value = target.figure(turns.get(target.experiment, ()))
        if value is not None:
            rows.append([target.text, f"{value:,.2f}", f"{target.limit:,g}", "yes" if target.met(value) else "NO"])
    return Table("Targets", ["target", "median", "limit", "met"], rows) if rows else None


def _targets() -> list[Target]:
    return [target for ledger in LEDGERS for target in _targets_on(f"warren-{ledger}")]


def _targets_on(name: str) -> list[Target]:
    single, bundled = f"{name}-single", f"{name}-bundled"
    return [
        Target(f"{single}: x dramatiq-confirm", throughput.NAME, _ratio(single, "dramatiq-confirm"), 3, at_least=True),
        Target(f"{single}: x celery-confirm", throughput.NAME, _ratio(single, "celery-confirm"), 4, at_least=True),
        Target(f"{bundled}: tasks/s", throughput.NAME, _median(bundled, "tasks_per_s"), 10_000, at_least=True),
        Target(f"{bundled}: p50 ms", latency.NAME, _median(bundled, "p50_ms"), 10, at_least=False),
        Target(
            f"{bundled}: coordinator peak MiB", scaling.NAME, _coordinator(bundled), MEMORY_LIMIT_MIB, at_least=False
        ),
    ]


def _ratio(name: str, baseline: str) -> Callable[[Sequence[Turn]], float | None]:
    def figure(turns: Sequence[Turn]) -> float | None:
        rates = figures_by_contender(turns, "tasks_per_s")
        ratio = paired_ratios(rates.get(name, {}), rates.get(baseline, {}))
        return ratio.median if ratio else None

    return figure


def _median(name: str, figure_name: str) -> Callable[[Sequence[Turn]], float | None]:
    def figure(turns: Sequence[Turn]) -> float | None:
        values = figures_by_contender(turns, figure_name).get(name)
        return Spread.of(list(values.values())).median if values else None

    return figure


def _coordinator(name: str) -> Callable[[Sequence[Turn]], float | None]:
    """The largest peak of any coordinator process at any size."""

    def figure(turns: Sequence[Turn]) -> float | None:
        done = [turn.figures["peak_rss_mib"] for turn in turns if turn.contender == name and turn.error is None]
        peaks = [rss for by_role in done for role, rss in by_role.items() if role.startswith(COORDINATORS)]
        return max(peaks, default=None)

    return figure
