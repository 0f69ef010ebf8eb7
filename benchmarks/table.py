"""One table, for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table as RichTable
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are text; the first column is left, the others are right aligned."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [f"| {' | '.join(cells)} |" for cells in [self.columns, rule, *self.rows]]
        note = ["", self.note] if self.note else []
        return "\n".join([f"## {self.title}", "", *lines, *note, ""])

    def rich(self) -> RichTable:
        table = RichTable(title=Text(self.title), caption=Text(self.note) if self.note else None, box=box.SIMPLE)
        for position, column in enumerate(self.columns):
            table.add_column(Text(column), justify="right" if position else "left")
        for row in self.rows:
            table.add_row(*map(Text, row))
        return table
