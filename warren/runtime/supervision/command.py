"""What a supervised process is to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Command:
    """One process: `stage` says when it is taken down, the lowest first; `log` takes what it prints."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    stage: int = 0
