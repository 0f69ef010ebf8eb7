"""Drives a contender's client, which lives in a process of its own so that its memory, its garbage collection and
its event loop are nobody else's.

The two talk in lines of JSON: `{"tasks": 1000}` down, `{"seconds": 0.8}` up. The client measures; one that fails just
ends, and what it wrote to stderr is the error.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Collection

from benchmarks.child import Child

SLOWEST_TASKS_PER_S = 100
ANSWER_S = 60.0


async def drive(client: Child, tasks: int) -> float:
    """One run of the client in the other process: its seconds. Raises RuntimeError that says how it failed."""
    assert client.process.stdin is not None
    assert client.process.stdout is not None
    client.process.stdin.write(json.dumps({"tasks": tasks}).encode() + b"\n")
    limit_s = ANSWER_S + tasks / SLOWEST_TASKS_PER_S
    try:
        line = await asyncio.wait_for(client.process.stdout.readline(), limit_s)
    except TimeoutError:
        raise RuntimeError(f"{client.role} had not all of {tasks} results within {limit_s:.0f} s") from None
    return _seconds(client, line)


def _seconds(client: Child, line: bytes) -> float:
    if not line:
        raise RuntimeError(f"{client.role} left without an answer: {client.last_words()}")
    return float(json.loads(line)["seconds"])


def serve(fan_out: Callable[[int], Collection[int]]) -> None:
    """Be the client: `fan_out` runs that many tasks and returns the index that each result carries."""
    for line in sys.stdin:
        tasks = int(json.loads(line)["tasks"])
        started = time.perf_counter()
        indices = fan_out(tasks)
        _answer(time.perf_counter() - started, indices, tasks)


async def serve_async(fan_out: Callable[[int], Awaitable[Collection[int]]]) -> None:
    """`serve` for a client that lives on an event loop, which goes on turning between runs."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        tasks = int(json.loads(line)["tasks"])
        started = time.perf_counter()
        indices = await fan_out(tasks)
        _answer(time.perf_counter() - started, indices, tasks)


def _answer(seconds: float, indices: Collection[int], tasks: int) -> None:
    """Tell the seconds. A wrong set of results ends the client: its last words say what was wrong."""
    if sorted(indices) != list(range(tasks)):
        raise ValueError(f"{len(set(indices))} of {tasks} tasks have a result, {len(indices)} results came")
    print(json.dumps({"seconds": seconds}), flush=True)
