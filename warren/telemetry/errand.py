"""The traces of a program that does one thing and ends, such as `warren submit`.

It goes on below whoever called it, if its environment holds that one's trace, and exports what it does itself if the
environment names a collector. With neither, OpenTelemetry is not even imported.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from warren.log import get_logger
from warren.telemetry.context import CARRIED, TraceContext, trace_id_of
from warren.telemetry.otlp import Otlp
from warren.telemetry.span import Service

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from warren.telemetry.publishing import Tracers

PATIENCE_S: Final = 2.0
"""Nobody waits longer than this at the end of a command for a collector that does not answer."""
SOON_MS: Final = 200
"""A span that is over is sent after so long, not at the end of a command that goes on to watch for hours."""

log = get_logger("warren.telemetry")


@contextmanager
def errand(service: Service, project: str, environment: Mapping[str, str]) -> Iterator[Tracers | None]:
    """Within this context, spans belong to the caller's trace, else to the one that `project` is found by.

    Yields what makes spans; None if nobody is to get them. Raises InvalidInput for settings of OpenTelemetry that
    cannot be used.
    """
    # As others hand a context to programs: in variables of the headers' names, in capitals.
    carried = {name: environment[name.upper()] for name in CARRIED if environment.get(name.upper())}
    incoming = TraceContext.from_headers(carried)
    exporter = Otlp.from_environment(environment).span_exporter(PATIENCE_S)
    if incoming is None and exporter is None:
        yield None
        return
    with _below(incoming):
        if exporter is None:
            yield None
            return
        tracers = _provider(service, project, incoming, exporter)
        try:
            yield tracers
        finally:
            tracers.shutdown()


@contextmanager
def _below(incoming: TraceContext | None) -> Iterator[None]:
    from opentelemetry import context

    from warren.telemetry.handling import extracted

    if incoming is None:
        yield
        return
    token = context.attach(extracted(incoming.headers(incoming.parent_id)))
    try:
        yield
    finally:
        context.detach(token)


def _provider(service: Service, project: str, incoming: TraceContext | None, exporter: SpanExporter) -> TracerProvider:
    """Samples as a director would that gets the project from somebody who does not trace."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

    from warren.telemetry.resource import resource_of
    from warren.telemetry.sampling import Sampling

    class Ids(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            return int(trace_id_of(project), 16)

    sampler = ALWAYS_ON if Sampling().of_project(project, incoming).sampled else ALWAYS_OFF
    provider = TracerProvider(sampler, resource_of(service), shutdown_on_exit=False, id_generator=Ids())
    provider.add_span_processor(BatchSpanProcessor(_outspoken(exporter), schedule_delay_millis=SOON_MS))
    return provider


def _outspoken(exporter: SpanExporter) -> SpanExporter:
    """The exporter, saying once and in our words that nobody took what it sent."""
    from opentelemetry.sdk.trace.export import SpanExportResult

    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
    export = exporter.export

    def told(spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = export(spans)
        if result is not SpanExportResult.SUCCESS:
            log.warning("no collector took the span of this submission; that harms nothing but the trace")
        return result

    exporter.export = told  # type: ignore[method-assign]
    return exporter
