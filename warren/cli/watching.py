"""Following a project: a live tree at a terminal, lines elsewhere, JSON for scripts."""

from __future__ import annotations

import time

from rich.live import Live

from warren.cli.printing import console, print_json
from warren.cli.project_tree import as_line, draw
from warren.client import Handle


async def watch(handle: Handle, *, as_json: bool) -> None:
    """Show where the project stands, until it ends."""
    if as_json:
        async for status in handle.watch():
            print_json(status.model_dump(mode="json"))
    elif console().is_terminal:
        await _live(handle)
    else:
        await _lines(handle)


async def _live(handle: Handle) -> None:
    with Live(console=console(), refresh_per_second=8, transient=False) as live:
        async for status in handle.watch():
            live.update(draw(status, time.time()))


async def _lines(handle: Handle) -> None:
    before, out = "", console()
    async for status in handle.watch():
        line = as_line(status)
        if line != before:
            out.print(line, markup=False)
        before = line
