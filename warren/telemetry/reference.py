"""The contract as a page for people: `python -m warren.telemetry.reference FILE` writes it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from warren.telemetry import contract
from warren.telemetry.contract import Attribute, SpanShape
from warren.telemetry.instrument import Instrument
from warren.telemetry.prometheus import prometheus_name

HEAD = f"""# Spans and metrics

The public contract, written by `python -m warren.telemetry.reference docs/telemetry.md`: all spans, events and metrics
that Warren emits, and nothing else. A change here is announced in the changelog. Names follow OpenTelemetry's
conventions {contract.CONVENTIONS} for messaging and generative AI (both still in development there) where they have a
word; ours begin with `warren.`. What stands in braces comes from the cluster file or a playbook, never from an id.
"""


def page() -> str:
    """The page."""
    return "\n".join([HEAD, *_spans(), *_attributes(), *_metrics()])


def _spans() -> Iterator[str]:
    yield "## Spans\n"
    for span in contract.SPANS:
        yield f"### `{span.name}`\n"
        yield f"{span.about[0].upper()}{span.about[1:]}. Kind: {span.kind.value}.\n"
        yield f"Attributes: {_names(span.attributes)}.\n"
        if span.events:
            yield "Events:\n"
            yield from (_event(event.name, event.about, event.attributes) for event in span.events)
            yield ""


def _event(name: str, about: str, attributes: tuple[Attribute, ...]) -> str:
    return f"- `{name}`: {about}" + (f" ({_names(attributes)})" if attributes else "")


def _names(attributes: Iterable[Attribute]) -> str:
    return ", ".join(f"`{one.name}`" for one in attributes)


def _attributes() -> Iterator[str]:
    yield "## Attributes\n"
    yield from _table(("attribute", "type", "is"), ((f"`{one.name}`", one.kind.__name__, one.about) for one in known()))
    yield ""


def known() -> list[Attribute]:
    """All attributes of spans and events, by name."""
    found = {one for span in contract.SPANS for one in _of(span)}
    return sorted(found, key=lambda one: one.name)


def _of(span: SpanShape) -> Iterator[Attribute]:
    yield from span.attributes
    for event in span.events:
        yield from event.attributes


def _metrics() -> Iterator[str]:
    yield "## Metrics\n"
    yield "Over OTLP by their own name, on the health port's `/metrics` by the name for Prometheus.\n"
    columns = ("metric", "for Prometheus", "shape", "unit", "labels", "is")
    yield from _table(columns, map(_row, contract.METRICS))
    yield ""


def _row(one: Instrument) -> tuple[str, ...]:
    labels = ", ".join(f"`{label}`" for label in one.labels)
    return f"`{one.name}`", f"`{prometheus_name(one)}`", one.shape.value, f"`{one.unit}`", labels, one.about


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
