"""What the doctor says of one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["ok", "note", "bad"]
MAX_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """`note` is worth knowing, `bad` keeps something from working; `remedy` says what to do."""

    what: str
    level: Level
    found: str
    remedy: str = ""


def listed(found: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(found) - MAX_NAMED
    return "; ".join(found[:MAX_NAMED]) + (f"; and {more:,} more" if more > 0 else "")
