"""What the crew can do: add one, slowly or not, and fail at first where the task says so."""

import asyncio

from warren.skills.context import Context
from warren.skills.skill import skill


@skill("work", team="crew")
async def work(n: int, context: Context, ms: int = 0, fails: int = 0, padding: str = "") -> dict[str, int]:
    del padding
    await asyncio.sleep(ms / 1000)
    if context.attempt <= fails:
        raise RuntimeError("as planned")
    return {"n": n + 1}
