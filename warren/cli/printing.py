"""What commands print on standard output."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console, RenderableType

WIDEST: Final = 100_000
"""Characters in a line of a file: as many as it has."""


def console() -> Console:
    """Standard output, in colour where it is a terminal; long lines stay whole."""
    return Console(soft_wrap=True, highlight=False)


def screen() -> Console:
    """A terminal on which something is drawn: what is too long for it is folded, for an id that is cut is of no use."""
    return Console(highlight=False)


def print_whole(shown: RenderableType) -> None:
    """Something drawn: as wide as the terminal is, and uncut where there is none."""
    out = console()
    if out.is_terminal:
        out.print(shown, soft_wrap=False)
    else:
        Console(width=WIDEST, highlight=False).print(shown)


def print_json(value: Any) -> None:
    """One line of JSON for scripts."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def print_output(value: Any) -> None:
    """A result for a person: JSON over several lines."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")
    sys.stdout.flush()


def counted(count: int, noun: str) -> str:
    """`1 team`, `2 teams`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def moment(unix_s: float | None) -> str:
    """A time of day in the machine's own zone, with the date."""
    if unix_s is None:
        return ""
    return datetime.fromtimestamp(unix_s, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def span(seconds: float) -> str:
    """A duration as people say it."""
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
