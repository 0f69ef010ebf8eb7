"""The publisher's side: a client's span is the parent of the project that it hands in."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

from warren.telemetry import contract

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider

Tracers: TypeAlias = "TracerProvider"
"""OpenTelemetry's: whoever has one decides where the span goes."""

SEND: Final = "send"


class Submission:
    """One project on its way to the broker: `headers` for its message, and its span, which ends when it is `sent`."""

    def __init__(self, span: Span | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.headers = headers or {}
        self._span = span

    def sent(self) -> None:
        """The broker has it; what becomes of the project is another span's. Saying so again changes nothing."""
        span, self._span = self._span, None
        if span is not None:
            span.end()

    def failed(self, error: BaseException) -> None:
        """It was given up before the broker had it."""
        if self._span is None:
            return
        from opentelemetry.trace import StatusCode

        self._span.record_exception(error)
        self._span.set_attribute(contract.ERROR_TYPE.name, getattr(error, "code", type(error).__qualname__))
        self._span.set_status(StatusCode.ERROR, str(error))
        self.sent()


@contextmanager
def submission(
    playbook: str, project: str, exchange: str, routing_key: str, tracers: Tracers | None = None
) -> Iterator[Submission]:
    """A submission below the caller's current span, by `tracers` or else the program's own.

    A program that does not trace has not imported OpenTelemetry, and does not because of us.
    """
    told = _begun(playbook, project, exchange, routing_key, tracers) if _traces(tracers) else Submission()
    try:
        yield told
    except BaseException as error:
        told.failed(error)
        raise
    finally:
        told.sent()


def _traces(tracers: Tracers | None) -> bool:
    return tracers is not None or "opentelemetry" in sys.modules


def _begun(playbook: str, project: str, exchange: str, routing_key: str, tracers: Tracers | None) -> Submission:
    from opentelemetry import trace

    attributes = {
        contract.PROJECT_ID.name: project,
        contract.SYSTEM.name: contract.RABBITMQ,
        contract.MESSAGING_OPERATION.name: SEND,
        contract.OPERATION_TYPE.name: SEND,
        contract.DESTINATION.name: f"{exchange}:{routing_key}",
        contract.ROUTING_KEY.name: routing_key,
        contract.MESSAGE_CONVERSATION.name: project,
    }
    tracer = trace.get_tracer(contract.SCOPE, tracer_provider=tracers, schema_url=contract.SCHEMA)
    name = contract.SUBMIT.name.format(playbook=playbook)
    span = tracer.start_span(name, kind=trace.SpanKind.PRODUCER, attributes=attributes)
    return Submission(span, _headers_below(span))


def _headers_below(span: Span) -> dict[str, str]:
    from opentelemetry import trace
    from opentelemetry.baggage.propagation import W3CBaggagePropagator
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    context = trace.set_span_in_context(span)
    TraceContextTextMapPropagator().inject(carrier, context)
    W3CBaggagePropagator().inject(carrier, context)
    return carrier
