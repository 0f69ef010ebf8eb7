"""`warren dead`: look at what was given up, do it again, or forget it."""

from __future__ import annotations

import typer

from warren.cli.dead import drop, listing, replay, show

app = typer.Typer(
    help="What was given up: list it by cause, look at it, do it again, or forget it.", no_args_is_help=True
)
app.command("list")(listing.list_)
app.command("show")(show.show)
app.command("replay")(replay.replay)
app.command("drop")(drop.drop)
