"""What a run of the benchmarks is to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from benchmarks import latency, scaling, throughput

EXPERIMENTS = [throughput.NAME, latency.NAME, scaling.NAME]
EVERYBODY = ["*"]
WARREN = ["warren-*"]
BASELINES = ["raw-aio-pika", "celery-confirm", "dramatiq-confirm"]
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Settings:
    """`contenders` and `scaling_contenders` are patterns of names; a URL is None where a server is to be started."""

    experiments: Sequence[str]
    contenders: Sequence[str]
    scaling_contenders: Sequence[str]
    rounds: int
    tasks: int
    projects: int
    sizes: Sequence[int]
    baselines: Sequence[str]
    name: str
    folder: Path
    amqp_url: str | None
    postgres_url: str | None

    def quick(self) -> Self:
        """The same on a small scale, in a minute or so: it shows that everything runs, not how fast."""
        few = [*WARREN, "raw-aio-pika"]
        return replace(self, rounds=1, tasks=500, projects=50, sizes=[250, 500], scaling_contenders=few, name="quick")
