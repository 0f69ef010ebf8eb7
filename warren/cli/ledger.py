"""`warren ledger`: the durable record."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from warren.cli.options import AsJson, DataDir, LedgerUrl
from warren.cli.preparing import migrate as migrate_ledger
from warren.cli.printing import console, print_json
from warren.cli.running import data_folder, find_running
from warren.telemetry.redaction import redacted

app = typer.Typer(help="The durable record of projects, assignments and tasks.", no_args_is_help=True)


@app.command()
def migrate(*, ledger_url: LedgerUrl = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Bring the ledger's tables to this version; does nothing when they are."""
    url = ledger_of(ledger_url, data_dir)
    asyncio.run(migrate_ledger(url))
    if as_json:
        print_json({"ledger": redacted(url), "migrated": True})
    else:
        console().print(f"the ledger at {redacted(url)} is current", markup=False)


def ledger_of(given: str | None, data_dir: Path | None) -> str:
    """The ledger that was given, else that of the running cluster, else the one in the data folder."""
    if given:
        return given
    running = find_running(data_dir)
    return running.ledger_url if running is not None else f"sqlite:///{data_folder(data_dir) / 'ledger.sqlite3'}"
