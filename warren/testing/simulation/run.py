"""From a seed to a verdict."""

from __future__ import annotations

import asyncio
import random
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from warren.testing.audit import books
from warren.testing.simulation.inspection import complaints, unrest
from warren.testing.simulation.loop import VirtualLoop
from warren.testing.simulation.scenario import scenario
from warren.testing.simulation.trace import Trace
from warren.testing.simulation.world import World

LIMIT_S: Final = 400.0
"""Virtual seconds in which everything must have ended."""
QUIET_WITHIN_S: Final = 200.0
"""Virtual seconds after the last outcome in which the last message must have gone."""
LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a seed: `complaints` is empty if every promise was kept. `took_s` is virtual time."""

    seed: int
    complaints: Sequence[str]
    fingerprint: str
    took_s: float
    deaths: int
    lines: Sequence[str] = ()

    @property
    def is_good(self) -> bool:
        return not self.complaints


def simulate(seed: int, *, keep_lines: bool = False, limit_s: float = LIMIT_S) -> Run:
    """Run a seed's scenario to its end, for `limit_s` virtual seconds at most, in a loop of its own."""
    random.seed(seed)  # for libraries that throw dice of their own
    loop = VirtualLoop()
    trace = Trace(loop.time, keep=keep_lines)
    begun = loop.time()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        said, deaths = runner.run(_judged(seed, trace, loop, limit_s))
    return Run(seed, said, trace.fingerprint, loop.time() - begun, deaths, trace.lines)


async def _judged(seed: int, trace: Trace, loop: VirtualLoop, limit_s: float) -> tuple[list[str], int]:
    said: list[str] = []
    deaths = 0
    try:
        async with World.made(scenario(seed), trace, loop) as world:
            said = await _lived(world, limit_s)
            deaths = sum(member.deaths for member in world.members.values())
            said += await complaints(world) if not said else []
            await _note_history(world, trace)
    except Exception:  # noqa: BLE001 - whatever a process raises is what we look for
        said.append(traceback.format_exc())
    return said, deaths


async def _lived(world: World, limit_s: float) -> list[str]:
    """What was still going on at the end of the time; nothing if all is well."""
    async with world.alive():
        try:
            async with asyncio.timeout(limit_s):
                await world.serve_client()
            async with asyncio.timeout(min(limit_s, QUIET_WITHIN_S)):
                while await unrest(world):
                    await world.around.clock.sleep(LOOK_EVERY_S)
        except TimeoutError:
            return [f"not over in time: {each}" for each in await unrest(world)] or ["the client was never told"]
    return []


async def _note_history(world: World, trace: Trace) -> None:
    """The ledger is part of what two runs must have in common."""
    for kind, subject, data in (await books(world.around.ledger)).events:
        trace.note("ledger", f"{kind} {subject} {data}")
