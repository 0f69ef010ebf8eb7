"""Waiting for something, but not for ever, on whatever clock there is."""

from __future__ import annotations

import asyncio
from typing import Any

from warren.clock import Clock


async def wait(future: asyncio.Future[Any], clock: Clock, limit_s: float) -> bool:
    """Whether the future was done within the limit. It is left alone if not."""
    if future.done():
        return True
    async with asyncio.TaskGroup() as group:
        pause = group.create_task(clock.sleep(limit_s))
        await asyncio.wait({future, pause}, return_when=asyncio.FIRST_COMPLETED)
        pause.cancel()
    return future.done()
