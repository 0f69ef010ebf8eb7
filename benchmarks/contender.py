"""What the suite can measure: something that fans out tasks, runs them and brings every result back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from benchmarks.services import Services

WARM_UP_TASKS = 200


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What a contender promises while it is being measured: speed is only comparable beside this.

    Tasks are persistent messages in durable queues for everybody.
    """

    confirms: bool
    """Whether each publish, of tasks and of results, waits for the broker's word that it has the message."""
    acknowledged: str
    """When a worker gives up its claim to the message: what a crash of the worker loses hangs on this."""
    results: str
    """Where a result is until the client has it."""
    record: str
    """Which durable record of the work is kept besides the messages."""


class Contender(Protocol):
    """One party of a comparison. Made anew for each turn: start, any number of runs, stop."""

    @property
    def name(self) -> str:
        """Short, stable, unique in a run: it is the key in the result file."""

    @property
    def guarantees(self) -> Guarantees: ...

    async def start(self) -> None:
        """Return when every process of it is up and consuming."""

    async def run(self, tasks: int) -> float:
        """Fan out that many no-op tasks, wait for all results, check that each came: the seconds it took.

        Raises if one result is missing, wrong or doubled.
        """

    async def stop(self) -> None:
        """End every process of it, by id. Also called after a start that failed half-way."""

    def processes(self) -> Mapping[str, int]:
        """Role to process id, for memory and CPU; children of a process count with it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contender that may enter: how to make it, and what keeps it out (in words, or None)."""

    name: str
    make: Callable[[Services], Contender]
    missing: Callable[[Services], str | None]


@asynccontextmanager
async def on_stage(contender: Contender, *, warm_up_tasks: int = WARM_UP_TASKS) -> AsyncIterator[Contender]:
    """A contender that is started, warmed up with tasks that are not measured, and stopped whatever happens."""
    try:
        await contender.start()
        await contender.run(warm_up_tasks)
        yield contender
    finally:
        await contender.stop()
