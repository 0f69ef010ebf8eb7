"""Spans as a tree with bars over time, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from warren.cli.printing import span as duration
from warren.telemetry import contract
from warren.telemetry.span import Span

LONGEST_NAME: Final = 46
DURATION_WIDTH: Final = 11
LEAST_BAR: Final = 16
MOST_BAR: Final = 100
WAITING: Final = "░"
PLAIN: Final = ("wait ", "invoke_agent ")
"""What the children of a task are called that was done at the first try."""
EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
MILLISECOND_S: Final = 0.001
SECOND_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a span with what is drawn before its name, or the words about those that are not shown."""

    lead: str
    span: Span | None
    words: str = ""
    waited: Span | None = None
    """What comes before it in the same line: the wait of a task that was done at the first try."""

    @property
    def name(self) -> str:
        """What it is, and before it what its plan calls it."""
        if self.span is None:
            return self.words
        step = self.span.attributes.get(contract.STEP.name)
        return f"{step} · {self.span.name}" if step else self.span.name


def draw(spans: Sequence[Span], width: int, most_children: int) -> RenderableType:
    """The tree; `width` in characters, `most_children` of one span."""
    rows = [*_rows(_children(spans), spans[0], "", "", most_children)]
    name_width = min(LONGEST_NAME, max(len(row.lead) + len(row.name) for row in rows))
    bar_width = min(MOST_BAR, max(LEAST_BAR, width - name_width - DURATION_WIDTH - 3))
    start_s, end_s = min(span.start_s for span in spans), max(span.end_s for span in spans)
    scale = _Scale(start_s, max(end_s - start_s, 1e-6), bar_width)
    lines = [_line(row, name_width, scale) for row in rows]
    return Group(_head(spans[0], len(spans)), *lines, *_errors(spans))


@dataclass(frozen=True, slots=True)
class _Scale:
    start_s: float
    length_s: float
    width: int

    def bar(self, span: Span) -> str:
        """Blocks from the span's start to its end; what is too short to be seen still has a mark."""
        begin = (span.start_s - self.start_s) / self.length_s * self.width
        end = (span.end_s - self.start_s) / self.length_s * self.width
        first = min(int(begin), self.width - 1)
        whole, part = divmod(max(end - first, 0.0), 1)
        blocks = "█" * int(whole) + EIGHTHS[int(part * 8)].strip()
        return (" " * first + (blocks or "▏"))[: self.width]


def _children(spans: Sequence[Span]) -> dict[str, list[Span]]:
    below: dict[str, list[Span]] = {}
    for span in spans[1:]:
        below.setdefault(span.parent_id, []).append(span)
    for siblings in below.values():
        siblings.sort(key=lambda span: (span.start_s, span.end_s))
    return below


def _rows(below: dict[str, list[Span]], span: Span, lead: str, indent: str, most: int) -> Iterator[Row]:
    children = below.get(span.span_id, [])
    if _is_plain(span, children):
        yield Row(lead, span, waited=children[0])
        return
    yield Row(lead, span)
    shown, hidden = (children, 0) if contract.ATTEMPTS.name in span.attributes else _chosen(children, most)
    left_out = hidden + int(span.attributes.get(contract.LEFT_OUT.name, 0))
    for number, child in enumerate(shown):
        is_last = number == len(shown) - 1 and not left_out
        yield from _rows(below, child, indent + ("└ " if is_last else "├ "), indent + ("  " if is_last else "│ "), most)
    if left_out:
        yield Row(indent + "└ ", None, f"… {left_out:,} more")


def _is_plain(span: Span, children: list[Span]) -> bool:
    """Whether it is a task of which there is nothing to tell but how long it waited and how long it ran."""
    is_task = contract.ATTEMPTS.name in span.attributes and span.attributes.get(contract.OUTCOME.name) == "succeeded"
    return is_task and len(children) == len(PLAIN) and all(map(str.startswith, (one.name for one in children), PLAIN))


def _chosen(children: list[Span], most: int) -> tuple[list[Span], int]:
    """(those that are shown, how many are not): what went wrong goes first, then what took longest."""
    if len(children) <= most:
        return children, 0
    ranked = sorted(children, key=lambda span: (span.error is None, span.start_s - span.end_s))
    kept = {span.span_id for span in ranked[:most]}
    return [span for span in children if span.span_id in kept], len(children) - most


def _line(row: Row, name_width: int, scale: _Scale) -> Text:
    if row.span is None:
        return Text.assemble((row.lead, "dim"), (row.words, "dim italic"))
    span, style = row.span, _style(row.span)
    room = max(1, name_width - len(row.lead))
    name = row.name if len(row.name) <= room else row.name[: room - 1] + "…"
    length = _length(span.end_s - span.start_s) + ("…" if contract.NOT_OVER.name in span.attributes else " ")
    return Text.assemble(
        (row.lead, "dim"),
        (name.ljust(room), "dim" if _is_wait(span) else style if style != "cyan" else ""),
        (length.rjust(DURATION_WIDTH), "dim"),
        " ",
        *_bar(row, span, scale, style),
    )


def _bar(row: Row, span: Span, scale: _Scale, style: str) -> Iterator[tuple[str, str]]:
    if row.waited is None:
        yield scale.bar(span), "bright_black" if _is_wait(span) else style
        return
    waited, whole = scale.bar(row.waited), scale.bar(span)
    start = len(whole) - len(whole.lstrip())
    end = max(start, min(len(waited), len(whole) - 1))
    yield " " * start + WAITING * (end - start), "bright_black"
    yield whole[end:], style


def _head(root: Span, count: int) -> Text:
    outcome = str(root.attributes.get(contract.OUTCOME.name, "open"))
    return Text.assemble(
        (str(root.attributes[contract.PROJECT_ID.name]), "bold"),
        " ",
        (outcome, _style(root)),
        (f" in {duration(root.end_s - root.start_s)}, {count:,} spans, trace {root.trace_id}", "dim"),
    )


def _errors(spans: Sequence[Span]) -> Iterator[Text]:
    """What went wrong at the workers, each thing once."""
    seen: set[str] = set()
    for span in spans:
        if span.error is None or contract.ATTEMPT.name not in span.attributes or span.error in seen:
            continue
        seen.add(span.error)
        where = f"{span.attributes[contract.TASK_ID.name]}, attempt {span.attributes[contract.ATTEMPT.name]}"
        yield Text.assemble(("✗ ", "red"), (f"{where}: ", "dim"), span.error)


def _style(span: Span) -> str:
    if span.error is not None:
        return "red"
    return "yellow" if span.attributes.get(contract.OUTCOME.name) == "cancelled" else "cyan"


def _is_wait(span: Span) -> bool:
    return span.name.startswith("wait ")


def _length(seconds: float) -> str:
    if seconds < MILLISECOND_S:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < SECOND_S:
        return f"{seconds * 1e3:.1f} ms"
    return duration(seconds)
