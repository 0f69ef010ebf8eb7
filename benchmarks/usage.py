"""What a contender's processes use of the machine while it runs: peak memory and CPU time, children included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import psutil  # type: ignore[import-untyped]

SAMPLE_S = 0.1
MIB = 1 << 20


@dataclass(slots=True)
class Usage:
    """By role: the highest resident memory seen, in MiB, and the CPU time used, in s. Filled when the watch ends."""

    peak_rss_mib: dict[str, float] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)


@asynccontextmanager
async def watched(processes: Mapping[str, int]) -> AsyncIterator[Usage]:
    """Watch process trees, by root id, for as long as the context is open."""
    usage = Usage()
    before = {role: _cpu_s(pid) for role, pid in processes.items()}
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        sampling = group.create_task(_sample(usage, processes))
        try:
            yield usage
        except Exception as error:  # raised again outside, for the group would wrap it
            failure = error
        sampling.cancel()
    if failure:
        raise failure
    _note_memory(usage, processes)
    usage.cpu_s = {role: _cpu_s(pid) - before[role] for role, pid in processes.items()}


def cpu_of(pid: int) -> float:
    """The CPU time that one process has used so far, without its children, in s."""
    return _cpu(psutil.Process(pid))


def listener(port: int) -> int | None:
    """The process that listens on a TCP port, if it is on this machine and lets itself be seen."""
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                return int(connection.pid) if connection.pid else None
    return None


async def _sample(usage: Usage, processes: Mapping[str, int]) -> None:
    while True:
        _note_memory(usage, processes)
        await asyncio.sleep(SAMPLE_S)


def _note_memory(usage: Usage, processes: Mapping[str, int]) -> None:
    for role, pid in processes.items():
        rss = sum(_of_tree(pid, _rss)) / MIB
        usage.peak_rss_mib[role] = max(rss, usage.peak_rss_mib.get(role, 0.0))


def _cpu_s(pid: int) -> float:
    return sum(_of_tree(pid, _cpu))


def _of_tree(pid: int, measure: Callable[[psutil.Process], float]) -> list[float]:
    """A figure for a process and each of its descendants; those that left meanwhile have none."""
    figures = []
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                figures.append(measure(process))
    return figures


def _rss(process: psutil.Process) -> float:
    return float(process.memory_info().rss)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
