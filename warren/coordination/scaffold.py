"""Where the spans of a project's trace stand: their ids, what each is below, and from when to when it is.

Nothing of it says what happened. Ids follow from the trace and the place in the tree alone: whoever tells a part of a
trace, and whenever, tells the same one.
"""

from __future__ import annotations

from typing import Final

from warren.ids import is_within, project_of
from warren.ledger.timeline import Line, Timeline
from warren.telemetry.context import TraceContext, trace_id_of
from warren.telemetry.period import Period
from warren.telemetry.span import Kind, Service, Span, Value

AGAIN: Final = "again"
"""What goes on after a replay has ids of its own: a span that was exported cannot be taken back."""


class Scaffold:
    """The ids, the parents and the periods of one timeline's spans."""

    def __init__(self, timeline: Timeline, now: float, *, is_news: bool) -> None:
        """What is not over yet ends `now`. With `is_news`, what was exported before is left out."""
        self._timeline = timeline
        self._now = now
        self._is_news = is_news
        known = None if timeline.trace is None else TraceContext.from_text(timeline.trace)
        self.context = known or TraceContext(trace_id_of(project_of(timeline.owner.id)))
        self._periods = {timeline.owner.id: self.whole(timeline.owner)}

    @property
    def since_s(self) -> float:
        """When the part that is told began, if it is not the first (Unix seconds)."""
        return (self._timeline.reopened_at or 0.0) if self._is_news and self._timeline.retold else 0.0

    @property
    def teller(self) -> Service:
        """Whose plan it is. Not which replica: any of them carries a plan on."""
        return Service("director" if self._timeline.owner.kind == "project" else "teamlead")

    def place(self, line: Line) -> None:
        """Take note of when a line was; what it is below must have been placed before."""
        self._periods[line.id] = self.within_parent(line)

    def period(self, path: str) -> Period:
        """When a line was that has been placed."""
        return self._periods[path]

    def within_parent(self, line: Line) -> Period:
        """When a line was, whatever clocks say: not before and not after what it is below."""
        return self.whole(line).within(self._periods[line.parent or ""])

    def whole(self, line: Line) -> Period:
        """When a line was, of the part that is told."""
        start_s = max(line.created_at, self.since_s)
        return Period(start_s, max(start_s, self._now if line.ended_at is None else line.ended_at))

    def of_line(self, line: Line, name: str, attributes: dict[str, Value]) -> Span:
        """The span of a line itself."""
        return self.span(self._id_of(line.id), line.parent or "", name, self._periods[line.id], attributes)

    def part(self, line: Line, what: tuple[str, int], name: str, period: Period, attributes: dict[str, Value]) -> Span:
        """A span below that of a line, such as its second wait."""
        again = (AGAIN, self._timeline.retold) if self.since_s else ()
        span_id = self.context.span_id(line.id, *what, *again)
        return self.span(span_id, line.id, name, period.within(self._periods[line.id]), attributes)

    def span(self, span_id: str, above: str, name: str, period: Period, attributes: dict[str, Value]) -> Span:
        """A span below that of the line `above`; with none, below the publisher's."""
        return Span(
            trace_id=self.context.trace_id,
            span_id=span_id,
            parent_id=self._id_of(above) if above else self._above_project(),
            name=name,
            kind=Kind.INTERNAL,
            service=self.teller,
            start_s=period.start_s,
            end_s=period.end_s,
            attributes=attributes,
        )

    def _id_of(self, path: str) -> str:
        """The span of a line of this plan, or of the node that its owner is below."""
        is_ours = is_within(path, self._timeline.owner.id)
        times = self._timeline.retold if is_ours else self._timeline.above_retold
        return self.context.span_id(path, AGAIN, times) if times and self._is_news else self.context.span_id(path)

    def _above_project(self) -> str:
        """The publisher's span; the second part of a project is below its first."""
        return self.context.span_id(self._timeline.owner.id) if self.since_s else self.context.parent_id
