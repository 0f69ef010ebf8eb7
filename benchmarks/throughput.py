"""Fan-out and fan-in of no-op tasks: how many per second, and what a task costs in CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.contender import Contender
from benchmarks.experiment import Findings, figures_by_contender
from benchmarks.figures import Spread, paired_ratios
from benchmarks.suite import Suite, Turn
from benchmarks.table import Table
from benchmarks.usage import Usage

NAME = "throughput"
US_PER_S = 1e6
COLUMNS = (
    ("tasks_per_s", "tasks/s", 0),
    ("seconds", "seconds", 2),
    ("own_cpu_us_per_task", "own CPU us/task", 0),
    ("broker_cpu_us_per_task", "broker CPU us/task", 0),
    ("stores_cpu_us_per_task", "Redis, PostgreSQL CPU us/task", 0),
)


async def throughput(suite: Suite, *, tasks: int, baselines: Sequence[str]) -> Findings:
    async def measure(contender: Contender) -> dict[str, Any]:
        seconds, usage = await suite.run_watched(contender, tasks)
        return _figures(suite, tasks, seconds, usage)

    turns = await suite.play(measure)
    settings = {"tasks": tasks, "rounds": suite.rounds}
    return Findings(NAME, settings, turns, _tables(turns, tasks, baselines))


def _figures(suite: Suite, tasks: int, seconds: float, usage: Usage) -> dict[str, Any]:
    servers = suite.services.processes
    broker = usage.cpu_s.get("broker", 0.0)
    stores = sum(cpu for role, cpu in usage.cpu_s.items() if role in servers) - broker
    own = sum(cpu for role, cpu in usage.cpu_s.items() if role not in servers)
    return {
        "seconds": seconds,
        "tasks_per_s": tasks / seconds,
        "own_cpu_us_per_task": own / tasks * US_PER_S,
        "broker_cpu_us_per_task": broker / tasks * US_PER_S,
        "stores_cpu_us_per_task": stores / tasks * US_PER_S,
        "peak_rss_mib": usage.peak_rss_mib,
        "cpu_s": usage.cpu_s,
    }


def _tables(turns: Sequence[Turn], tasks: int, baselines: Sequence[str]) -> list[Table]:
    rates = figures_by_contender(turns, "tasks_per_s")
    fastest_first = sorted(rates, key=lambda name: -Spread.of(_of(rates, name)).median)
    present = [name for name in baselines if name in rates]
    return [
        Table(
            f"Throughput: {tasks:,} no-op tasks, out and back",
            ["contender", *(heading for _, heading, _ in COLUMNS)],
            [_figures_row(name, turns) for name in fastest_first],
            "Median [min-max] over the rounds.",
        ),
        Table(
            "Throughput: ratios",
            ["contender", *(f"x {name}" for name in present)],
            [_ratios_row(name, rates, present) for name in fastest_first],
            "Median [min-max] of the ratios of tasks/s, each taken inside one round.",
        ),
    ]


def _figures_row(name: str, turns: Sequence[Turn]) -> list[str]:
    spreads = [(Spread.of(_of(figures_by_contender(turns, figure), name)), digits) for figure, _, digits in COLUMNS]
    return [name, *(spread.text(digits) for spread, digits in spreads)]


def _ratios_row(name: str, rates: dict[str, dict[int, float]], baselines: Sequence[str]) -> list[str]:
    ratios = [paired_ratios(rates[name], rates[baseline]) for baseline in baselines]
    return [name, *(ratio.text(2) if ratio else "-" for ratio in ratios)]


def _of(figures: dict[str, dict[int, float]], name: str) -> list[float]:
    return list(figures[name].values())
