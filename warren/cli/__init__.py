"""The `warren` command. One command per module; `app.py` puts them together."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code. Without `arguments` it is the whole process, which then ends."""
    if arguments is not None:
        return _run(arguments)
    from warren.cli.loop import leave_on_interrupt

    leave_on_interrupt()
    code = _run(None)
    from warren.runtime.leaving import leave

    return leave(code)


def _run(arguments: Sequence[str] | None) -> int:
    from warren.cli.loop import INTERRUPTED

    try:
        from warren.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
