"""A whole run: start the servers, let the experiments play, make the report."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from benchmarks import latency, scaling, throughput
from benchmarks.catalogue import catalogue, chosen, fitting
from benchmarks.experiment import Findings
from benchmarks.machine import load_1m, machine_facts
from benchmarks.report import Report
from benchmarks.services import running_services
from benchmarks.settings import Settings
from benchmarks.suite import Suite, Tell

Experiment = Callable[[Suite], Coroutine[Any, Any, Findings]]


async def run(settings: Settings, tell: Tell) -> Report:
    """Raises UnknownName for a contender that there is not."""
    experiments = _experiments(settings)
    entered = chosen(catalogue(), settings.contenders)
    started, load_before = datetime.now(UTC), load_1m()
    tell("starting the servers")
    async with running_services(settings.amqp_url, settings.postgres_url) as services:
        skipped = {entry.name: reason for entry in entered if (reason := entry.missing(services))}
        present = [entry for entry in entered if entry.name not in skipped]
        suite = Suite(present, services, settings.rounds, tell)
        return Report(
            name=settings.name,
            started=started,
            machine=await machine_facts(services),
            guarantees={entry.name: entry.make(services).guarantees for entry in present},
            skipped=skipped,
            findings=[found async for found in _play(experiments, suite)],
            load_1m=(load_before, load_1m()),
        )


def _experiments(settings: Settings) -> Mapping[str, Experiment]:
    """Those that the settings ask for, ready to play."""
    known: dict[str, Experiment] = {
        throughput.NAME: lambda suite: throughput.throughput(suite, tasks=settings.tasks, baselines=settings.baselines),
        latency.NAME: lambda suite: latency.latency(suite, projects=settings.projects),
        scaling.NAME: lambda suite: scaling.scaling(
            replace(suite, candidates=fitting(suite.candidates, settings.scaling_contenders)), sizes=settings.sizes
        ),
    }
    return {name: known[name] for name in settings.experiments}


async def _play(experiments: Mapping[str, Experiment], suite: Suite) -> AsyncIterator[Findings]:
    for name, experiment in experiments.items():
        suite.tell(f"experiment: {name}")
        yield await experiment(suite)
