"""Skills that do what a test wants of them, and write down that they did."""

import asyncio
import os
import signal
import time
from pathlib import Path

from warren import Context, Retry, skill


def note(path: str, *words: object) -> None:
    """One line, in one write, so that lines of several processes do not mix."""
    if path:
        with Path(path).open("ab", buffering=0) as file:
            file.write((" ".join(map(str, words)) + "\n").encode())


def slower() -> float:
    """How many times slower this worker's machine is."""
    return float(os.environ.get("CREW_SLOWER", "1"))


def do(kind: str) -> None:
    if kind == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "exit":
        os._exit(7)


@skill("work", concurrency=8)
async def work(
    context: Context, n: int = 0, kind: str = "ok", seconds: float = 0.0, log: str = "", first_wait_s: float = 0.0
) -> dict[str, int]:
    note(log, "begun", n, context.attempt, f"{time.time():.6f}", os.getpid())
    do(kind)
    if kind == "retry" and context.attempt == 1:
        raise Retry("later", after_s=first_wait_s)
    try:
        await asyncio.sleep(seconds * slower())
    except asyncio.CancelledError:
        note(log, "cancelled", n, context.attempt, f"{time.time():.6f}")
        raise
    note(log, "ended", n, context.attempt, f"{time.time():.6f}", os.getpid())
    return {"n": n}


@skill("plainly", concurrency=4)
def plainly(context: Context, n: int = 0, kind: str = "ok", seconds: float = 0.0, log: str = "") -> dict[str, int]:
    note(log, "begun", n, os.getpid())
    do(kind)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if context.cancelled:
            note(log, "cancelled", n, f"{time.time():.6f}")
            context.raise_if_cancelled()
        time.sleep(0.005)
    note(log, "ended", n)
    return {"n": n}


@skill("burn", cpu=True, concurrency=2)
def burn(n: int = 0, kind: str = "ok", seconds: float = 0.0, log: str = "") -> dict[str, int]:
    note(log, "begun", n, os.getpid())
    do(kind)
    time.sleep(seconds)
    return {"n": n}
