"""The `warren` command. One command per module; `app.py` puts them together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

INTERRUPTED: Final = 130
"""What a shell reports of a program that Ctrl-C ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        from warren.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
