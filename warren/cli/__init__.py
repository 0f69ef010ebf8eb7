"""The `warren` command. One command per module; `app.py` puts them together."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    from warren.cli.app import run

    return run(arguments)
