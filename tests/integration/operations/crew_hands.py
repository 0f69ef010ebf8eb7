"""Skills that take a moment, so that a change finds them at work."""

import asyncio

from warren import skill


@skill("haul")
async def haul(n: int) -> dict[str, int]:
    await asyncio.sleep(0.1)
    return {"n": n}


@skill("stow")
async def stow(n: int) -> dict[str, int]:
    return {"n": -n}
