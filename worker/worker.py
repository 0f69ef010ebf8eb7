"""The role: serves the skills of one team."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from warren.broker.port import Broker
from warren.clock import Clock, SystemClock
from warren.messages.codec import DEFAULT_LIMIT_BYTES
from warren.messages.command import Control
from warren.skills.skill import Mode
from warren.telemetry import contract
from warren.telemetry.logs import get_logger
from warren.telemetry.telemetry import Telemetry
from worker.conclusion import Clerk
from worker.execution import Execution
from worker.inbox import listen
from worker.lane import Lane, Workplace
from worker.outbox import Outbox
from worker.processes import Processes
from worker.progress import ProgressReports
from worker.recycling import Recycling, memory_bytes
from worker.running import Handlers
from worker.station import Station
from worker.threads import Threads

GIVE_BACK_S: Final = 3.0
"""For handlers to end that are interrupted, and for the confirms of what is given back, after the grace is over."""


@dataclass(frozen=True, slots=True)
class Options:
    """What may be tuned."""

    results_per_message: int = 64
    limit_bytes: int = DEFAULT_LIMIT_BYTES
    max_tasks: int | None = None
    max_memory_mb: int | None = None


class Worker:
    """Runs the tasks of its stations until it is drained.

        worker = Worker("scouts", stations, broker, agent="host-17-ab12")
        await worker.run()

    On `drain` it stops consuming, gives back what no handler has begun, and waits for the handlers and for the
    confirms of their results; what is not finished then is interrupted and given back.
    """

    def __init__(
        self,
        team: str,
        stations: Sequence[Station],
        broker: Broker,
        *,
        agent: str,
        clock: Clock | None = None,
        draw: Callable[[], float] = random.random,
        telemetry: Telemetry | None = None,
        options: Options = Options(),
    ) -> None:
        self._team = team
        self._agent = agent
        self._broker = broker
        self._logger = get_logger("worker")
        self._handlers = Handlers()
        self._clock = clock = clock or SystemClock()
        self._recycling = Recycling(options.max_tasks, options.max_memory_mb, self._memory_bytes)
        self._threads = Threads(_threads_for(stations), self._recycling.leave)
        self._processes = Processes(self._threads.pool)
        self._reports = ProgressReports(broker, clock, agent)
        self._outbox = Outbox(
            broker,
            clock,
            self._logger,
            agent=agent,
            limit_bytes=options.limit_bytes,
            results_per_message=options.results_per_message,
        )
        place = Workplace(
            broker=broker,
            clock=clock,
            draw=draw,
            logger=self._logger,
            execution=Execution(
                clock,
                self._handlers,
                self._threads,
                self._processes,
                logger=get_logger("skill").bind,
                progress=self._reports.report,
            ),
            outbox=self._outbox,
            clerk=Clerk(agent, options.limit_bytes),
            limit_bytes=options.limit_bytes,
            telemetry=telemetry or Telemetry.silent("worker", agent),
            recycling=self._recycling,
        )
        for one in stations:
            name = one.skill.name
            place.telemetry.metrics.watch(contract.IN_FLIGHT, partial(self._handlers.count, name), team, name)
        self._lanes = [Lane(station, place) for station in stations]

    @property
    def waiting_for(self) -> str | None:
        """What keeps it from working, in words for readiness."""
        if self._recycling.reason is not None:
            return f"it is leaving: {self._recycling.reason}"
        return next((words for lane in self._lanes if (words := lane.waiting_for)), self._outbox.trouble)

    async def run(self) -> None:
        """Work until cancelled, or until it is time to make room for a fresh process."""
        try:
            async with self._processes, asyncio.TaskGroup() as group:
                work = [
                    group.create_task(self._outbox.run()),
                    group.create_task(self._reports.run()),
                    group.create_task(listen(self._broker, self._team, self._agent, self._heard, self._logger)),
                    *(group.create_task(lane.run()) for lane in self._lanes),
                ]
                await self._recycling.due(self._clock)
                self._logger.info("leaving for a fresh process to take over", reason=self._recycling.reason)
                await self._take_nothing_new()
                await self._finish()
                for one in work:
                    one.cancel()
        finally:
            self._threads.close()

    async def drain(self, grace_s: float) -> None:
        """Take nothing new, finish what runs within `grace_s`, give back the rest."""
        await self._take_nothing_new()
        try:
            async with asyncio.timeout(grace_s):
                await self._finish()
        except TimeoutError:
            await self._abandon()

    async def _abandon(self) -> None:
        """Give back what still runs. What does not end over it goes back when the connection closes, as in a crash."""
        for lane in self._lanes:
            lane.abandon()
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVE_BACK_S):
                await self._finish()

    async def _take_nothing_new(self) -> None:
        for lane in self._lanes:
            await lane.stop()

    async def _finish(self) -> None:
        """Return when what runs has ended and is confirmed."""
        for lane in self._lanes:
            await lane.finished()
        await self._outbox.flushed()

    def _memory_bytes(self) -> int:
        return memory_bytes(self._processes.pids())

    def _heard(self, control: Control) -> None:
        if control.verb == "drain":
            self._recycling.leave(f"an operator told it to: {control.reason or 'no reason given'}")
            return
        stopped = self._handlers.cancel(control.subtree, control.reason, control.replay)
        self._logger.info("cancelled", subtree=control.subtree, reason=control.reason, stopped=stopped)


def _threads_for(stations: Sequence[Station]) -> int:
    """A process for a CPU-bound handler is waited for in a thread."""
    return sum(station.concurrency for station in stations if station.skill.mode is not Mode.LOOP)
