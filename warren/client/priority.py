"""The four priorities that people use."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

from warren.errors import InvalidInput

PriorityName = Literal["low", "normal", "high", "urgent"]

PRIORITIES = MappingProxyType[PriorityName, int]({"low": 1, "normal": 4, "high": 6, "urgent": 9})


def priority_of(wanted: PriorityName | int) -> int:
    """0 to 9; a number is left to the message's own check. Raises InvalidInput for a name that is none."""
    if not isinstance(wanted, str):
        return wanted
    if wanted not in PRIORITIES:
        raise InvalidInput("message_invalid", f"there is no priority {wanted!r}; there are {', '.join(PRIORITIES)}")
    return PRIORITIES[wanted]
