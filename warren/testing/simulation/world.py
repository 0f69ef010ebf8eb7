"""One run: the cluster, its client, and everything that the scenario has in store for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Self

from topology.build import build
from warren.broker.memory.broker import MemoryBroker
from warren.broker.memory.server import MemoryServer
from warren.client.client import Client
from warren.client.handle import Handle
from warren.ledger.ledger import open_ledger
from warren.messages.outcome import AnyOutcome
from warren.testing.simulation.behaviour import Handlers
from warren.testing.simulation.line import Line
from warren.testing.simulation.loop import LoopClock, VirtualLoop
from warren.testing.simulation.member import Member, Surroundings
from warren.testing.simulation.mender import Mender
from warren.testing.simulation.scenario import STORM_S, Blow, Scenario, Submission
from warren.testing.simulation.staff import staff
from warren.testing.simulation.trace import Trace
from warren.testing.simulation.weather import Conditions

PATIENCE_S: Final = 3_600.0
"""A client of the simulation does not give up before the run does."""


@dataclass(slots=True)
class World:
    """What there is, and what came out."""

    scenario: Scenario
    around: Surroundings
    handlers: Handlers
    members: dict[str, Member]
    client_line: Line
    outcomes: dict[str, AnyOutcome] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def made(cls, scenario: Scenario, trace: Trace, loop: VirtualLoop) -> AsyncIterator[Self]:
        """A world in which nothing has happened yet, alive as long as its `async with`."""
        clock = LoopClock(loop)
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(MemoryServer(clock))
            ledger = await stack.enter_async_context(open_ledger("sqlite://", inline=True))
            broker = await stack.enter_async_context(MemoryBroker(server))
            await broker.declare(build(scenario.cluster))
            around = Surroundings(scenario.seed, clock, server, ledger, Conditions(scenario.badness), trace)
            around.broker_is_up.set()
            handlers = Handlers()
            members = staff(around, scenario.cluster, handlers)
            line = Line(server, around.weather("client"), around.fuse("client"))
            yield cls(scenario, around, handlers, members, await stack.enter_async_context(line))

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """The processes run, and things go wrong, within this context."""
        async with asyncio.TaskGroup() as group:
            living = [group.create_task(member.live()) for member in self.members.values()]
            living.append(group.create_task(self._storm()))
            yield
            for task in living:
                task.cancel()

    async def serve_client(self) -> None:
        """Submit everything, and return when the client has been told how all of it ended."""
        clock = self.around.clock
        async with (
            Client(self.client_line, name="me", clock=clock, answer_within_s=PATIENCE_S) as client,
            asyncio.TaskGroup() as group,
        ):
            for submission in self.scenario.submissions:
                group.create_task(self._see_through(client, submission))

    async def _see_through(self, client: Client, wanted: Submission) -> None:
        await self.around.clock.sleep(wanted.at_s)
        handle = await self._submit(client, wanted)
        async with asyncio.TaskGroup() as group:
            if wanted.again_at_s is not None:
                group.create_task(self._submit(client, wanted, wanted.again_at_s - wanted.at_s))
            if wanted.cancel_at_s is not None:
                group.create_task(self._cancel(client, wanted))
            outcome = await handle.outcome()
            self.around.trace.note("client", f"{wanted.id} {outcome.status}")
            self.outcomes[wanted.id] = await self._mended(client, wanted, outcome)

    async def _mended(self, client: Client, wanted: Submission, outcome: AnyOutcome) -> AnyOutcome:
        if wanted.replay is None:
            return outcome
        owners = sorted(self.scenario.cluster.teams)
        mender = Mender(client, self.around.clock, owners, PATIENCE_S, self.complaints)
        outcome = await mender.mended(wanted.id, wanted.replay, outcome)
        self.around.trace.note("mender", f"{wanted.id} {outcome.status}")
        return outcome

    async def _submit(self, client: Client, wanted: Submission, after_s: float = 0.0) -> Handle:
        await self.around.clock.sleep(after_s)
        return await client.submit(
            plan=wanted.plan,
            input={"n": wanted.n},
            id=wanted.id,
            priority=wanted.priority,
            timeout_s=wanted.timeout_s,
        )

    async def _cancel(self, client: Client, wanted: Submission) -> None:
        assert wanted.cancel_at_s is not None
        await self.around.clock.sleep(wanted.cancel_at_s - wanted.at_s)
        await client.project(wanted.id).cancel("as planned", PATIENCE_S)

    async def _storm(self) -> None:
        async with asyncio.TaskGroup() as group:
            for blow in self.scenario.blows:
                group.create_task(self._strike(blow))
            await self.around.clock.sleep(STORM_S)
            self.around.conditions.badness = 0.0
        for member in self.members.values():
            member.recover()

    async def _strike(self, blow: Blow) -> None:
        await self.around.clock.sleep(blow.at_s)
        self.around.trace.note(blow.whom, f"{blow.sort} for {blow.for_s:.3f} s")
        match blow.sort:
            case "crash":
                self.members[blow.whom].crash(blow.steps, blow.for_s)
            case "kill":
                self.members[blow.whom].kill(blow.for_s)
            case "drain":
                self.members[blow.whom].drain(blow.for_s)
            case "cut":
                await self._cut(self.members[blow.whom].line, blow.for_s)
            case "client cut":
                await self._cut(self.client_line, blow.for_s)
            case "broker outage":
                await self._broker_outage(blow.for_s)
            case "ledger outage":
                await self._ledger_outage(blow.for_s)

    async def _cut(self, line: Line | None, for_s: float) -> None:
        if line is not None:
            line.sever()
            await self.around.clock.sleep(for_s)
            if self.around.broker_is_up.is_set():
                line.restore()

    async def _broker_outage(self, for_s: float) -> None:
        """Two at once last as long as the longer one."""
        around = self.around
        around.conditions.broker_outages += 1
        around.broker_is_up.clear()
        for line in self._lines():
            line.sever()
        await around.clock.sleep(for_s)
        around.conditions.broker_outages -= 1
        if not around.conditions.broker_outages:
            around.broker_is_up.set()
            for line in self._lines():
                line.restore()

    async def _ledger_outage(self, for_s: float) -> None:
        self.around.conditions.ledger_outages += 1
        await self.around.clock.sleep(for_s)
        self.around.conditions.ledger_outages -= 1

    def _lines(self) -> list[Line]:
        lines = [member.line for member in self.members.values()]
        return [self.client_line, *(line for line in lines if line is not None)]

    def in_hand(self) -> int:
        """How many deliveries are neither settled nor given back."""
        return sum(line.in_hand for line in self._lines())
