"""The four priorities that people use."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

PriorityName = Literal["low", "normal", "high", "urgent"]

PRIORITIES = MappingProxyType[PriorityName, int]({"low": 1, "normal": 4, "high": 6, "urgent": 9})


def priority_of(wanted: PriorityName | int) -> int:
    """0 to 9; a number is left to the message's own check."""
    return PRIORITIES[wanted] if isinstance(wanted, str) else wanted
