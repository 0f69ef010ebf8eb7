"""Spans on their way to a collector, with the ids and times that they were given."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, Protocol

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from warren.telemetry import contract
from warren.telemetry.metrics import Metrics
from warren.telemetry.resource import resource_of
from warren.telemetry.span import Kind, Service, Span, SpanEvent

BATCH: Final = 512
MAX_SERVICES: Final = 4_096
"""Processes whose description is kept ready; a cluster has fewer at a time."""

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_SCOPE: Final = InstrumentationScope(contract.SCOPE, schema_url=contract.SCHEMA)
_KINDS: Final = {Kind.INTERNAL: SpanKind.INTERNAL, Kind.PRODUCER: SpanKind.PRODUCER, Kind.CONSUMER: SpanKind.CONSUMER}
_FINE: Final = Status(StatusCode.UNSET)


class SpanSink(Protocol):
    """Takes finished spans."""

    async def export(self, spans: Sequence[Span]) -> int:
        """How many of them have arrived, counted from the first."""

    async def answers(self) -> bool:
        """Whether anybody is there: what did not arrive was refused then, and not only unheard."""


class OtlpSpans:
    """Sends spans to a collector, off the event loop."""

    def __init__(self, exporter: SpanExporter, metrics: Metrics) -> None:
        self._exporter = exporter
        self._metrics = metrics

    async def export(self, spans: Sequence[Span]) -> int:
        for start in range(0, len(spans), BATCH):
            batch = spans[start : start + BATCH]
            if not await asyncio.to_thread(self._send, batch):
                return start
            self._metrics.add(contract.SPANS_EXPORTED, amount=len(batch))
        return len(spans)

    async def answers(self) -> bool:
        return await asyncio.to_thread(self._send, ())

    def close(self) -> None:
        """Give up what is on its way."""
        self._exporter.shutdown()

    def _send(self, spans: Sequence[Span]) -> bool:
        return self._exporter.export([readable(span) for span in spans]) is SpanExportResult.SUCCESS


def readable(span: Span) -> ReadableSpan:
    """A span as OpenTelemetry's exporters take it."""
    return ReadableSpan(
        name=span.name,
        context=_context(span.trace_id, span.span_id),
        parent=_context(span.trace_id, span.parent_id) if span.parent_id else None,
        resource=_resource(span.service),
        attributes=span.attributes,
        events=[*_events(span.events)],
        links=[Link(_context(span.trace_id, linked)) for linked in span.links],
        kind=_KINDS[span.kind],
        status=_FINE if span.error is None else Status(StatusCode.ERROR, span.error),
        start_time=nanoseconds(span.start_s),
        end_time=nanoseconds(span.end_s),
        instrumentation_scope=_SCOPE,
    )


def nanoseconds(unix_s: float) -> int:
    """OpenTelemetry's time, to the microsecond: a float of seconds holds no more."""
    return round(unix_s * 1_000_000) * 1000


def _context(trace_id: str, span_id: str) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=_SAMPLED)


def _events(events: Sequence[SpanEvent]) -> Iterator[Event]:
    for event in events:
        yield Event(event.name, dict(event.attributes), nanoseconds(event.at))


@lru_cache(MAX_SERVICES)
def _resource(service: Service) -> Resource:
    return resource_of(service)
