"""`python -m benchmarks`: see `--help`, and README.md for what is measured and what the figures do not say."""

from __future__ import annotations

import asyncio
import sys

from rich.console import Console

from benchmarks.arguments import parser
from benchmarks.catalogue import UnknownName, catalogue
from benchmarks.report import Report
from benchmarks.run import run
from benchmarks.settings import Settings

WIDTH_OF_A_LOG = 140


def main() -> int:
    arguments = vars(parser().parse_args())
    if arguments.pop("list"):
        print(*(candidate.name for candidate in catalogue()), sep="\n")
        return 0
    quick = arguments.pop("quick")
    settings = Settings(**arguments)
    return _show(settings.quick() if quick else settings, _terminal())


def _terminal() -> Console:
    """Where the output is no terminal, its width is guessed low and the tables would break."""
    here = Console()
    return here if here.is_terminal else Console(width=WIDTH_OF_A_LOG)


def _show(settings: Settings, terminal: Console) -> int:
    """Run, save and print; the exit code."""
    try:
        report = asyncio.run(run(settings, lambda text: terminal.print(text, style="dim", markup=False)))
    except UnknownName as error:
        terminal.print(str(error), style="red", markup=False)
        return 2
    path = report.save(settings.folder)
    _print(report, terminal)
    terminal.print(f"written: {path} and {path.with_suffix('.md').name}", markup=False, soft_wrap=True)
    return 0 if report.sound else 1


def _print(report: Report, terminal: Console) -> None:
    for table in report.tables():
        terminal.print(table.rich())
    for name, reason in report.skipped.items():
        terminal.print(f"not measured: {name}, because {reason}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
