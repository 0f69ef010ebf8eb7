"""Following a project: a live tree at a terminal, lines elsewhere, JSON for scripts."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from warren.cli.printing import console, print_json, screen
from warren.cli.project_tree import as_line, draw
from warren.client import Handle

REDRAWN_PER_S = 8


async def watch(handle: Handle, *, as_json: bool) -> None:
    """Show where the project stands, until it ends."""
    if as_json:
        async for status in handle.watch():
            print_json(status.model_dump(mode="json"))
    elif console().is_terminal:
        await _live(handle)
    else:
        await _lines(handle)


@contextmanager
def going_on(sentence: str) -> Iterator[None]:
    """Say what becomes of a project that nobody waits for any more."""
    try:
        yield
    except asyncio.CancelledError:
        sys.stderr.write(f"\n{sentence}\n")
        sys.stderr.flush()
        raise


def left(project: str) -> str:
    """What Ctrl-C does to a project on a cluster of its own."""
    return f"project {project} goes on; `warren result {project}` waits for it, `warren cancel {project}` ends it"


async def _live(handle: Handle) -> None:
    """Drawn again and again, and not only when something changed: its clocks go on."""
    status = None

    def drawing() -> RenderableType:
        return Text(handle.id) if status is None else draw(status, time.time())

    with Live(console=screen(), refresh_per_second=REDRAWN_PER_S, get_renderable=drawing):
        async for status in handle.watch():  # noqa: B007 - read by `drawing`
            pass


async def _lines(handle: Handle) -> None:
    before, out = "", console()
    out.print(handle.id, markup=False)
    async for status in handle.watch():
        line = as_line(status)
        if line != before:
            out.print(line, markup=False)
        before = line
