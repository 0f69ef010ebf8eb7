"""Skills that fail until a file is there, and write down that they were tried."""

import asyncio
import time
from pathlib import Path

from warren import Context, Reject, skill


def note(log: str, *words: object) -> None:
    """One line, in one write, so that lines of several processes do not mix."""
    if log:
        with Path(log).open("ab", buffering=0) as file:
            file.write((" ".join(map(str, words)) + "\n").encode())


class Broken(Exception):
    """What the world has not mended yet."""


@skill("mend")
async def mend(context: Context, need: str, n: int = 0, log: str = "", kind: str = "fail") -> dict[str, int]:
    """Needs the file; without it it fails at once and for good, fails after trying again, or waits for it."""
    note(log, n, context.attempt, f"{time.time():.6f}")
    while not Path(need).exists():  # noqa: ASYNC240 - a local file
        match kind:
            case "wait":
                await asyncio.sleep(0.02)
            case "reject":
                raise Reject(f"{n} needs {Path(need).name}")
            case _:
                raise Broken(f"{n} needs {Path(need).name}")
    return {"n": n, "attempt": context.attempt}


@skill("count")
async def count(items: list[dict[str, int]]) -> dict[str, int]:
    return {"sum": sum(item["n"] for item in items), "items": len(items)}
