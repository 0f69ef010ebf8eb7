"""The end of a run: a result file for programs, the same as Markdown for readers, and tables on the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.contender import Guarantees
from benchmarks.experiment import Findings
from benchmarks.table import Table
from benchmarks.targets import targets_table


@dataclass(frozen=True, slots=True)
class Report:
    """`skipped` says of each candidate that did not take part why."""

    name: str
    started: datetime
    machine: Mapping[str, Any]
    load_1m: tuple[float, float]
    guarantees: Mapping[str, Guarantees]
    skipped: Mapping[str, str]
    findings: Sequence[Findings]

    @property
    def sound(self) -> bool:
        """Whether something was measured and nothing failed."""
        return any(found.turns for found in self.findings) and not any(found.failures for found in self.findings)

    def tables(self) -> list[Table]:
        measured = [table for found in self.findings for table in found.tables]
        targets = targets_table(self.findings)
        failed = _failures_table(self.findings)
        return [*measured, *(table for table in (targets, failed) if table), _guarantees_table(self.guarantees)]

    def save(self, folder: Path) -> Path:
        """Write the JSON and the Markdown file; the path of the JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.started:%Y-%m-%d}-{self.name}.json"
        path.write_text(json.dumps(self._content(), indent=2) + "\n")
        path.with_suffix(".md").write_text(self.markdown())
        return path

    def markdown(self) -> str:
        facts = [f"- {key}: {_inline(value)}" for key, value in self.machine.items()]
        facts.append(f"- load average (1 min) before and after: {self.load_1m[0]}, {self.load_1m[1]}")
        skipped = [f"- not measured: {name}, because {reason}" for name, reason in self.skipped.items()]
        head = [f"# Benchmark of {self.started:%Y-%m-%d %H:%M} UTC: {self.name}", "", *facts, *skipped, ""]
        return "\n".join([*head, *(table.markdown() for table in self.tables())])

    def _content(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "started": self.started.isoformat(timespec="seconds"),
            "machine": self.machine,
            "load_1m": {"before": self.load_1m[0], "after": self.load_1m[1]},
            "guarantees": {name: asdict(guarantees) for name, guarantees in self.guarantees.items()},
            "skipped": self.skipped,
            "experiments": [
                {"experiment": found.experiment, "settings": found.settings, "turns": [asdict(t) for t in found.turns]}
                for found in self.findings
            ],
        }


def _guarantees_table(guarantees: Mapping[str, Guarantees]) -> Table:
    rows = [
        [name, "yes" if given.confirms else "no", given.acknowledged, given.results, given.record]
        for name, given in guarantees.items()
    ]
    columns = ["contender", "confirms", "task acknowledged", "results", "record"]
    return Table("What each guarantees", columns, rows, "Tasks: persistent messages in durable queues, for everybody.")


def _failures_table(findings: Sequence[Findings]) -> Table | None:
    rows = [
        [turn.contender, found.experiment, str(turn.round + 1), " ".join((turn.error or "").split())]
        for found in findings
        for turn in found.failures
    ]
    return Table("Failed turns", ["contender", "experiment", "round", "error"], rows) if rows else None


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return str(value) if value is not None else "-"
