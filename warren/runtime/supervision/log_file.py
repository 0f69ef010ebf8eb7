"""What a supervised process prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Final

LARGEST_BYTES: Final = 10 * 1024 * 1024
TAIL_BYTES: Final = 16_384
ERRORS: Final = frozenset({"error", "critical"})


def open_log(path: Path) -> IO[bytes]:
    """Append to a log, after a full one was moved to `.1`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and path.stat().st_size > LARGEST_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("ab")


def last_words(path: Path, since: int) -> str:
    """The last line that was written after `since` bytes, if it is an error's, as a reason for a death; else ""."""
    try:
        with path.open("rb") as file:
            file.seek(max(since, file.seek(0, 2) - TAIL_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((_reason(line) for line in reversed(lines) if line.strip()), "")


def _reason(line: str) -> str:
    """The message of a structured line that tells of an error; a plain line, for our own are not plain."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line.strip()
    if not isinstance(entry, dict):
        return line.strip()
    return str(entry.get("message", "")) if entry.get("level") in ERRORS else ""
