"""The page on exit codes, settings and cluster.yaml: `python -m warren.cli.reference FILE` writes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from director.settings import DirectorSettings
from teamlead.settings import TeamLeadSettings
from warren.cli.file_table import file_tables
from warren.runtime.exit_code import ExitCode
from warren.runtime.settings import CoordinatorSettings, ServiceSettings
from warren.runtime.settings_table import settings_table
from worker.settings import WorkerSettings

MEANINGS: Final = {
    ExitCode.OK: "done; or drained after a signal",
    ExitCode.FAILED: "the project ended without an output; or a process failed or was cut short",
    ExitCode.USAGE: "an argument, a setting, a file or an input cannot be used",
    ExitCode.UNREACHABLE: "the broker, the ledger or the cluster does not answer",
    ExitCode.DRIFT: "the broker does not hold what cluster.yaml says, or the ledger's rows differ from its events",
    ExitCode.MISSING: "what was asked for does not exist (yet), or the machine lacks something",
}
HEAD: Final = """# Commands, exit codes, settings and cluster.yaml

Made from the code: `python -m warren.cli.reference docs/cli.md`.

`warren --help` lists the commands, `warren COMMAND --help` their options. With `--json` a command prints JSON for
scripts, and an error is one line of JSON on standard error: `{"error": {"code": …, "message": …}}`.

## Exit codes

| code | means |
|---|---|
"""


def render() -> str:
    """The page in Markdown."""
    codes = "".join(f"| {int(code)} | {MEANINGS[code]} |\n" for code in ExitCode)
    return (
        HEAD
        + codes
        + "| 130 | Ctrl-C; a project that was submitted goes on |\n"
        + "".join(_settings())
        + "".join(_file())
    )


def _settings() -> Iterator[str]:
    yield "\n## Settings\n\nA flag wins over its variable, a variable over the default.\n"
    yield f"\n### Every role\n\n{settings_table(ServiceSettings)}"
    yield f"\n### Director and team leads\n\n{settings_table(DirectorSettings, without=[ServiceSettings])}"
    yield f"\n### Team leads\n\n{settings_table(TeamLeadSettings, without=[CoordinatorSettings])}"
    yield f"\n### Workers\n\n{settings_table(WorkerSettings, without=[ServiceSettings])}"


def _file() -> Iterator[str]:
    yield "\n## cluster.yaml\n\nAn unknown key is refused, with its line. What is left out has its default.\n"
    yield from file_tables()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
