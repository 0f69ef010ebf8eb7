"""A project's status as a tree with progress bars."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from warren.cli.printing import span
from warren.ids import SEPARATOR
from warren.messages.failure_words import in_words
from warren.messages.reply import Branch, Status

STYLES = {"succeeded": "green", "failed": "red", "expired": "red", "cancelled": "yellow", "open": "cyan"}
BAR_WIDTH = 24
MOST_CHILDREN = 12


def draw(status: Status, now: float) -> RenderableType:
    """The tree of a project; `now` in Unix seconds, for how long things have run.

    What succeeded is one line, whatever is below it, and a parent shows only so many children.
    """
    root = Tree(_with_reason(_head(status, now), status), guide_style="dim")
    places: dict[str, Tree] = {status.project: root}
    for branch in status.tree:
        above = places.get(branch.id.rpartition(SEPARATOR)[0])
        if above is None or len(above.children) > MOST_CHILDREN:
            continue
        if len(above.children) == MOST_CHILDREN:
            above.add(Text("…", style="dim"))
            continue
        place = above.add(_line(branch, now))
        if branch.status != "succeeded":
            places[branch.id] = place
    return root


def as_line(status: Status) -> str:
    """The same in one line, for a log."""
    counts = next((branch for branch in status.tree if branch.id == status.project), None)
    if counts is None or not counts.total:
        return status.status
    failed = f", {counts.failed:,} failed" if counts.failed else ""
    return f"{status.status}: {counts.done:,} of {counts.total:,} tasks done{failed}"


def _head(status: Status, now: float) -> Text:
    text = Text.assemble((status.playbook or "plan", "bold"), " ", (status.project, "dim"), " ")
    text.append(status.status, style=STYLES.get(status.status, ""))
    text.append(f"  {span((status.ended_s or now) - status.accepted_s)}", style="dim")
    counts = next((branch for branch in status.tree if branch.id == status.project), None)
    if counts is not None and counts.total:
        text.append("  ").append_text(_counts(counts))
    return text


def _with_reason(head: Text, status: Status) -> RenderableType:
    """Why it failed, on a line of its own: a long one is folded, not cut."""
    if status.error is None:
        return head
    return Group(head, Text(in_words(status.error), style="red", overflow="fold"))


def _line(branch: Branch, now: float) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    what = f"{branch.kind} {branch.name}" if branch.name not in {"", branch.kind} else branch.kind
    label = Text.assemble((branch.step, "bold"), " ", (what, "dim")) if branch.step else Text(what)
    cells: list[RenderableType] = [label, Text(branch.status, style=STYLES.get(branch.status, ""))]
    if branch.total:
        cells += [ProgressBar(total=branch.total, completed=branch.done, width=BAR_WIDTH), _counts(branch)]
    if branch.started_s is not None:
        cells.append(Text(span((branch.ended_s or now) - branch.started_s), style="dim"))
    grid.add_row(*cells)
    return grid


def _counts(branch: Branch) -> Text:
    text = Text(f"{branch.done:,}/{branch.total:,}")
    if branch.failed:
        text.append(f" {branch.failed:,} failed", style="red")
    return text
