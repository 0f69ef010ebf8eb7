"""`warren ledger`: the durable record."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warren.cli.loop import complete
from warren.cli.options import AsJson, DataDir, LedgerUrl
from warren.cli.printing import console, print_json
from warren.cli.running import data_folder, find_running
from warren.runtime.exit_code import ExitCode
from warren.telemetry.redaction import redacted

if TYPE_CHECKING:
    from warren.ledger.history import Until
    from warren.ledger.rebuild import Report

app = typer.Typer(help="The durable record of projects, assignments and tasks.", no_args_is_help=True)


@app.command()
def migrate(*, ledger_url: LedgerUrl = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Bring the ledger's tables to this version; does nothing when they are."""
    from warren.cli.preparing import migrate as migrate_ledger

    url = ledger_of(ledger_url, data_dir)
    complete(migrate_ledger(url))
    if as_json:
        print_json({"ledger": redacted(url), "migrated": True})
    else:
        console().print(f"the ledger at {redacted(url)} is current", markup=False)


@app.command()
def rebuild(
    *,
    ledger_url: LedgerUrl = None,
    data_dir: DataDir = None,
    until: Annotated[int | None, typer.Option(help="Replay up to the event of this number.")] = None,
    as_of: Annotated[datetime | None, typer.Option(help="Replay up to this moment, in this machine's zone.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Put what the events make in place of what differs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Replay all events and compare what they make with the live rows; exit code 4 if they differ.

    With --until or --as-of the differences are what has happened since then.
    """
    from warren.ledger.history import Until

    limit = Until(seq=until, at=None if as_of is None else as_of.timestamp())
    report = complete(_rebuilt(ledger_of(ledger_url, data_dir), limit, apply=apply))
    if as_json:
        print_json(asdict(report))
    else:
        _show(report)
    raise typer.Exit(ExitCode.OK if report.is_equal or report.repaired else ExitCode.DRIFT)


async def _rebuilt(url: str, until: Until, *, apply: bool) -> Report:
    from warren.ledger.ledger import open_ledger
    from warren.ledger.rebuild import rebuild as rebuild_ledger

    async with open_ledger(url) as ledger:
        return await rebuild_ledger(ledger, until=until, apply=apply)


def _show(report: Report) -> None:
    out = console()
    rows = ", ".join(f"{count:,} {table}" for table, count in report.rows.items())
    out.print(f"{report.events:,} events replayed; compared {rows}", markup=False)
    for difference in report.differences:
        out.print(str(difference), markup=False, style="yellow")
    if (more := report.difference_count - len(report.differences)) > 0:
        out.print(f"and {more:,} more", style="yellow")
    if report.repaired:
        out.print("the rows are now what the events make", style="green")
    elif report.is_equal:
        out.print("the rows are what the events make", style="green")
    else:
        out.print(f"{report.difference_count:,} differences", style="red")


def ledger_of(given: str | None, data_dir: Path | None) -> str:
    """The ledger that was given, else that of the running cluster, else the one in the data folder."""
    if given:
        return given
    from warren.ledger.ledger import sqlite_url

    running = find_running(data_dir)
    return running.ledger_url if running is not None else sqlite_url(data_folder(data_dir) / "ledger.sqlite3")
