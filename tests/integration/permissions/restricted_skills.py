"""Skills whose tasks take every way through the broker: results, retries, dead letters, progress."""

from __future__ import annotations

from typing import Any

from warren.skills.context import Context
from warren.skills.skill import skill


@skill("measure", team="scouts")
async def measure(word: str, context: Context) -> dict[str, Any]:
    context.progress(0.5, "half of it")
    return {"length": len(word)}


@skill("stumble", team="scouts")
async def stumble(context: Context) -> dict[str, Any]:
    if context.attempt == 1:
        raise RuntimeError("the first attempt always fails")
    return {"attempt": context.attempt}


@skill("fail", team="scouts")
async def fail() -> dict[str, Any]:
    raise ValueError("always")


@skill("total", team="analysts")
async def total(lengths: list[int]) -> dict[str, Any]:
    return {"total": sum(lengths)}
