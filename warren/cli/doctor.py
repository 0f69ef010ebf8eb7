"""`warren doctor`: what this machine lacks, and how to get it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from warren.cli.options import CLUSTER_FILE, AmqpUrl, AsJson, ClusterFile, DataDir, LedgerUrl, ManagementUrl
from warren.cli.printing import console, print_json
from warren.runtime.exit_code import ExitCode

if TYPE_CHECKING:
    from warren.cli.finding import Finding

MARKS = {"ok": ("✓", "green"), "note": ("·", "yellow"), "bad": ("✗", "red")}


def doctor(
    *,
    cluster: ClusterFile = CLUSTER_FILE,
    amqp_url: AmqpUrl = None,
    ledger_url: LedgerUrl = None,
    management_url: ManagementUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Look for what is missing on this machine and wrong in a deployment, and say what to do; exit code 5 if so.

    A deployment is looked at over its broker: versions, permissions, drift from the cluster file, clocks, consumers.
    Nothing is changed in it.
    """
    from warren.cli.examination import examine

    findings = asyncio.run(examine(cluster, amqp_url, ledger_url, management_url, data_dir))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            _show(finding)
    raise typer.Exit(ExitCode.MISSING if any(finding.level == "bad" for finding in findings) else ExitCode.OK)


def _show(finding: Finding) -> None:
    mark, style = MARKS[finding.level]
    out = console()
    out.print(Text.assemble((mark, style), f" {finding.what}: ", finding.found))
    if finding.remedy:
        out.print(Text(f"    {finding.remedy}", style=style))
