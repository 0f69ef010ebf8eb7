"""What processes keep in memory while something happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SAMPLE_S = 0.2
KIB_PER_MIB = 1024
MAX_SHOWN = 40


@dataclass(slots=True)
class Memory:
    """By process, resident MiB: at the start, the peak, and some samples beside what `progress` said then."""

    first: dict[str, float] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)

    def note(self, resident: Mapping[str, float], progress: Mapping[str, Any]) -> None:
        self.first = self.first or dict(resident)
        self.peak = {name: max(mib, self.peak.get(name, 0.0)) for name, mib in resident.items()}
        self.samples.append({**progress, **resident})

    def some(self) -> list[dict[str, Any]]:
        return self.samples[:: max(1, len(self.samples) // MAX_SHOWN)]


@asynccontextmanager
async def watched_memory(pids: Mapping[str, int], progress: Callable[[], Mapping[str, Any]]) -> AsyncIterator[Memory]:
    """Sample processes by id for as long as the context is open."""
    memory = Memory()

    async def sample() -> None:
        while True:
            memory.note({name: resident_mib(pid) for name, pid in pids.items()}, progress())
            await asyncio.sleep(SAMPLE_S)

    async with asyncio.TaskGroup() as group:
        sampling = group.create_task(sample())
        try:
            yield memory
        finally:
            sampling.cancel()


def resident_mib(pid: int) -> float:
    """Linux's own figure."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / KIB_PER_MIB, 1)
    return 0.0
