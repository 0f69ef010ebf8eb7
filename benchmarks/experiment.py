"""What an experiment leaves behind, for the result file and for the reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.suite import Turn
from benchmarks.table import Table


@dataclass(frozen=True, slots=True)
class Findings:
    """The turns as they were, and the tables made of them."""

    experiment: str
    settings: dict[str, Any]
    turns: Sequence[Turn]
    tables: Sequence[Table] = field(default_factory=list)

    @property
    def failures(self) -> list[Turn]:
        return [turn for turn in self.turns if turn.error]


def figures_by_contender(turns: Sequence[Turn], figure: str) -> dict[str, dict[int, float]]:
    """One figure of every turn that succeeded: contender to round to value, in order of first appearance."""
    found: dict[str, dict[int, float]] = {}
    for turn in turns:
        if turn.error is None:
            found.setdefault(turn.contender, {})[turn.round] = turn.figures[figure]
    return found
