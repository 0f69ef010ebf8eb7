"""The `warren` command. One command per module; `app.py` puts them together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

INTERRUPTED: Final = 130
"""What a shell reports of a program that Ctrl-C ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code. Without `arguments` it is the whole process, which then ends."""
    code = _run(arguments)
    if arguments is not None:
        return code
    from warren.runtime.leaving import leave

    return leave(code)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        from warren.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
