"""Spans as a page that needs nothing else: data, style and script in one file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from warren.telemetry import contract
from warren.telemetry.span import Span

TEMPLATE: Final = Path(__file__).with_name("waterfall.html")
READER: Final = Path(__file__).with_name("waterfall_reader.js")
"""Finds traces and reads them where the page has no data of its own."""
PLACE: Final = "/*DATA*/null"


def page(spans: Sequence[Span]) -> str:
    """The page; the first span is the project's."""
    text = json.dumps(_data(spans), ensure_ascii=False, separators=(",", ":"))
    harmless = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return TEMPLATE.read_text(encoding="utf-8").replace(PLACE, harmless)


def reader() -> str:
    """The same page without data: it reads a trace from the query API of the Jaeger that serves it."""
    page = TEMPLATE.read_text(encoding="utf-8")
    return page.replace("</body>", f"<script>\n{READER.read_text(encoding='utf-8')}</script>\n</body>")


def _data(spans: Sequence[Span]) -> dict[str, Any]:
    root, start_s = spans[0], min(span.start_s for span in spans)
    return {
        "project": root.attributes[contract.PROJECT_ID.name],
        "trace": root.trace_id,
        "name": root.name,
        "outcome": root.attributes.get(contract.OUTCOME.name, "open"),
        "start": start_s,
        "spans": [_entry(span, start_s) for span in spans],
    }


def _entry(span: Span, start_s: float) -> dict[str, Any]:
    """Times in milliseconds since the project's start."""
    entry: dict[str, Any] = {
        "id": span.span_id,
        "parent": span.parent_id,
        "name": span.name,
        "who": " ".join(filter(None, (span.service.role, span.service.instance))),
        "start": round((span.start_s - start_s) * 1e3, 3),
        "end": round((span.end_s - start_s) * 1e3, 3),
        "outcome": span.attributes.get(contract.OUTCOME.name, ""),
        "about": span.attributes,
    }
    if span.error is not None:
        entry["error"] = span.error
    if span.events:
        entry["events"] = [
            {"name": event.name, "at": round((event.at - start_s) * 1e3, 3), "about": dict(event.attributes)}
            for event in span.events
        ]
    if span.links:
        entry["links"] = span.links
    return entry
