"""A trace as a collector got it, and what must be true of any."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

REPLAY: Final = "warren.replay"


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span as it came in; times are in nanoseconds since the Unix epoch, ids in hex."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    service: str
    instance: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    events: list[tuple[str, int, dict[str, Any]]]
    links: list[str]
    error: str | None


@dataclass(slots=True)
class Trace:
    """The spans of one trace."""

    spans: list[ReceivedSpan]

    def by_id(self) -> dict[str, ReceivedSpan]:
        return {span.span_id: span for span in self.spans}

    def children(self, parent: ReceivedSpan) -> list[ReceivedSpan]:
        """In the order of their start."""
        below = [span for span in self.spans if span.parent_id == parent.span_id]
        return sorted(below, key=lambda span: (span.start_ns, span.end_ns, span.span_id))

    def named(self, name: str) -> list[ReceivedSpan]:
        return sorted((span for span in self.spans if span.name == name), key=lambda span: span.start_ns)

    def roots(self) -> list[ReceivedSpan]:
        """Spans whose parent is not in the trace: the real root, orphans, and what has a parent elsewhere."""
        known = self.by_id()
        return [span for span in self.spans if span.parent_id not in known]

    def outline(self) -> list[str]:
        """The tree as names, indented, for comparing and for reading."""
        lines: list[str] = []

        def walk(span: ReceivedSpan, depth: int) -> None:
            lines.append("  " * depth + span.name)
            for child in self.children(span):
                walk(child, depth + 1)

        for root in self.roots():
            walk(root, 0)
        return lines

    def check(self, parent: str = "") -> None:
        """Raises AssertionError unless it is one tree below `parent`, each span once, no clock going backwards.

        What a producer started, and the second part of what was replayed, may go on after what they are below.
        """
        complaints = [*self._twice(), *self._orphans(parent), *self._backwards()]
        assert not complaints, "\n".join(complaints)

    def _twice(self) -> Iterable[str]:
        seen: set[str] = set()
        for span in self.spans:
            if span.span_id in seen:
                yield f"{span.name} ({span.span_id}) came twice"
            seen.add(span.span_id)

    def _orphans(self, parent: str) -> Iterable[str]:
        roots = self.roots()
        if len(roots) != 1:
            yield f"there are {len(roots)} roots: {[(root.name, root.parent_id) for root in roots]}"
        for root in roots:
            if root.parent_id != parent:
                yield f"{root.name} is an orphan: its parent {root.parent_id!r} is not there (expected {parent!r})"

    def _backwards(self) -> Iterable[str]:
        known = self.by_id()
        for span in self.spans:
            above = known.get(span.parent_id)
            if span.end_ns < span.start_ns:
                yield f"{span.name} ends {span.start_ns - span.end_ns} ns before it starts"
            if above is not None and above.kind != "producer" and not _goes_on(span, above):
                if span.start_ns < above.start_ns:
                    yield f"{span.name} starts {above.start_ns - span.start_ns} ns before its parent {above.name}"
                if span.end_ns > above.end_ns:
                    yield f"{span.name} ends {span.end_ns - above.end_ns} ns after its parent {above.name}"


def _goes_on(span: ReceivedSpan, above: ReceivedSpan) -> bool:
    return REPLAY in span.attributes and REPLAY not in above.attributes
