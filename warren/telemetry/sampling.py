"""Whether a project is traced: decided once, when it is accepted, for everything that it leads to."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from warren.telemetry.context import SAMPLED, TraceContext, trace_id_of


class Sampling:
    """Asks the sampler that `OTEL_TRACES_SAMPLER` names: by default all that the publisher has not left out."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self._sampler = sampler or TracerProvider(shutdown_on_exit=False).sampler

    def of_project(self, project: str, incoming: TraceContext | None) -> TraceContext:
        """The context of a new project: the publisher's trace if it brought one, else one of its own."""
        context = incoming or TraceContext(trace_id_of(project))
        parent = Context() if incoming is None else _remote(incoming)
        result = self._sampler.should_sample(parent, _drawn(project), "project")
        sampled = result.decision is Decision.RECORD_AND_SAMPLE
        return replace(context, sampled=sampled, exported=sampled)


def _drawn(project: str) -> int:
    """A trace id for samplers that draw by it: the project's own begins with a time and has fixed bits."""
    return int.from_bytes(blake2b(project.encode(), digest_size=16).digest(), "big")


def _remote(context: TraceContext) -> Context:
    flags = TraceFlags(SAMPLED if context.sampled else 0)
    span = SpanContext(int(context.trace_id, 16), int(context.parent_id, 16), is_remote=True, trace_flags=flags)
    return trace.set_span_in_context(NonRecordingSpan(span), Context())
