"""One process of the simulated cluster and its supervisor: whatever kills it, another one takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from warren.broker.memory.server import MemoryServer
from warren.ledger.ledger import Ledger
from warren.runtime.service import Service, host
from warren.testing.simulation.dice import Dice
from warren.testing.simulation.fuse import Fuse
from warren.testing.simulation.line import Line
from warren.testing.simulation.loop import LoopClock
from warren.testing.simulation.records import Records
from warren.testing.simulation.trace import Trace
from warren.testing.simulation.weather import Conditions, Weather

GRACE_S: Final = 1.0
"""Shorter than the longest tasks, so that some are given back."""

Make = Callable[[Line, Ledger, Dice], Service]
"""A new process from its connection, its ledger and its dice."""


@dataclass(slots=True)
class Surroundings:
    """What all processes share."""

    seed: int
    clock: LoopClock
    server: MemoryServer
    ledger: Ledger
    conditions: Conditions
    trace: Trace
    broker_is_up: asyncio.Event = field(default_factory=asyncio.Event)

    def weather(self, whom: str) -> Weather:
        """Dice that nobody else throws."""
        return Weather(self.conditions, Dice(f"{self.seed} {whom}"))

    def fuse(self, whom: str) -> Fuse:
        return Fuse(lambda what: self.trace.note(whom, what))


class Member:
    """A process by its name, through all its lives."""

    def __init__(self, name: str, around: Surroundings, make: Make) -> None:
        self.name = name
        self.line: Line | None = None
        self.deaths = 0
        self._around = around
        self._make = make
        self._fuse: Fuse | None = None
        self._running: asyncio.Task[None] | None = None
        self._told_to_stop = asyncio.Event()
        self._away_s = 0.0

    async def live(self) -> None:
        """Until cancelled. Raises what a process raises that was not killed: it must not end by itself."""
        while True:
            await self._around.broker_is_up.wait()
            await self._one_life()
            await self._around.clock.sleep(self._away_s)

    def crash(self, steps: int, away_s: float) -> None:
        """Let it die after so many more of its steps, and be away for a while."""
        self._away_s = away_s
        if self._fuse is not None:
            self._fuse.burn(steps)

    def kill(self, away_s: float) -> None:
        """Let it die now, whatever it waits for."""
        self._away_s = away_s
        if self._fuse is not None and self._running is not None and not self._fuse.blown:
            self._fuse.blow()
            self._running.cancel()

    def drain(self, away_s: float) -> None:
        """Let it finish what it has in hand and leave, as on SIGTERM."""
        self._away_s = away_s
        self._told_to_stop.set()

    def recover(self) -> None:
        """Take back an order to die that was not yet carried out."""
        if self._fuse is not None:
            self._fuse.defuse()

    async def _one_life(self) -> None:
        around, life = self._around, f"{self.name}#{self.deaths}"
        fuse, weather = around.fuse(life), around.weather(life)
        async with Line(around.server, weather, fuse) as line:
            self.line, self._fuse = line, fuse
            fuse.arm(line.sever)
            service = self._make(line, Records(around.ledger, weather, fuse), weather.random)
            await self._run(service, fuse)
        self.line, self._fuse, self._running = None, None, None
        self.deaths += 1

    async def _run(self, service: Service, fuse: Fuse) -> None:
        self._told_to_stop.clear()
        try:
            async with asyncio.TaskGroup() as group:
                self._running = group.create_task(host(service, self._told_to_stop, GRACE_S))
        except BaseExceptionGroup as group_of_errors:
            if not fuse.blown and not self._is_cut_off(group_of_errors):
                raise
        if not fuse.blown and not self._told_to_stop.is_set():
            raise AssertionError(f"{self.name} ended by itself")

    def _is_cut_off(self, error: BaseExceptionGroup[BaseException]) -> bool:
        """A drain that takes too long, as when the ledger is away, ends as a kill does."""
        return self._told_to_stop.is_set() and error.split(TimeoutError)[1] is None
