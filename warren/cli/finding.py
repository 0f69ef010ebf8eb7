"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`note` is worth knowing, `bad` keeps something from working; `remedy` says what to do."""

    what: str
    level: Level
    found: str
    remedy: str = ""
