"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

Seen = TypeVar("Seen")

FIRST_PAUSE_S: Final = 0.005
LONGEST_PAUSE_S: Final = 0.1


async def wait_until(
    condition: Callable[[], Seen | Awaitable[Seen]], *, timeout_s: float = 30.0, reason: str = ""
) -> Seen:
    """Return what `condition` gives as soon as that is true; it may be a plain or an async function.

    Raises AssertionError after `timeout_s`; the message names `reason`, or the condition, and what it gave last.
    """
    loop = asyncio.get_running_loop()
    deadline, pause_s = loop.time() + timeout_s, FIRST_PAUSE_S
    while not (seen := await _value(condition)):
        if loop.time() >= deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {reason or _name(condition)}; last seen: {seen!r}")
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)
    return seen


async def _value(condition: Callable[[], Seen | Awaitable[Seen]]) -> Seen:
    given = condition()
    if inspect.isawaitable(given):
        return await given
    return given


def _name(condition: object) -> str:
    """The condition's source line where there is one: a lambda has no name that helps."""
    try:
        return inspect.getsource(condition).strip()  # type: ignore[arg-type]
    except (OSError, TypeError):
        return repr(condition)
