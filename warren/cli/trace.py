"""`warren trace`: what a project did, when, and where it waited, from the ledger alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warren.cli.ledger import ledger_of
from warren.cli.loop import complete
from warren.cli.naming import LOOKED_AT, is_beginning, meant
from warren.cli.options import AsJson, DataDir, LedgerUrl, ProjectId
from warren.cli.printing import console, print_json
from warren.errors import InvalidInput, UnknownProject

if TYPE_CHECKING:
    from warren.ledger.transaction import Transaction
    from warren.telemetry.span import Span


def trace(
    *,
    project: ProjectId,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with the waterfall, and nothing else.")
    ] = None,
    children: Annotated[int, typer.Option(min=1, help="How many children of one line to show at most.")] = 20,
    ledger_url: LedgerUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Draw a project's trace: who did what, where it waited, what was tried again and why."""
    spans = complete(_read(ledger_of(ledger_url, data_dir), project.strip().lower(), children))
    if html is not None:
        _write(html, spans)
    if as_json:
        from dataclasses import asdict

        print_json([{**asdict(span), "kind": span.kind.value} for span in spans])
    elif html is None:
        from warren.cli.timeline import draw

        console().print(draw(spans, console().width, children))


async def _read(url: str, project: str, children: int) -> list[Span]:
    from warren.ledger.ledger import open_ledger

    async with open_ledger(url) as ledger:
        return await ledger.read(lambda transaction: _spans(transaction, project, children))


def _spans(transaction: Transaction, project: str, children: int) -> list[Span]:
    from warren.coordination.story import spans_of
    from warren.ledger import queries
    from warren.ledger.excerpt import Limits
    from warren.ledger.timeline import whole_timeline
    from warren.telemetry.telemetry import CHILDREN

    newest = queries.projects(transaction, LOOKED_AT) if is_beginning(project) else ()
    project = meant(project, (str(each["id"]) for each in newest))
    now, limits = time.time(), Limits(children=max(children, CHILDREN))
    spans = [span for part in whole_timeline(transaction, project, limits) for span in spans_of(part, now)]
    if not spans:
        raise UnknownProject(f"the ledger knows no project {project}")
    return spans


def _write(file: Path, spans: list[Span]) -> None:
    from warren.cli.waterfall import page

    try:
        file.write_text(page(spans), encoding="utf-8")
    except OSError as error:
        raise InvalidInput("file", f"{file} cannot be written: {error.strerror}") from None
