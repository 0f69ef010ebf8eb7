"""How a supervised process is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["starting", "ready", "draining", "died", "stopped"]


@dataclass(frozen=True, slots=True)
class Condition:
    """`reason` says in words why it died; `restarts` counts since the supervisor began."""

    name: str
    state: State = "starting"
    pid: int | None = None
    health_url: str = ""
    reason: str = ""
    restarts: int = 0
    exit_code: int | None = None
    """Of the last death; negative for a signal."""
