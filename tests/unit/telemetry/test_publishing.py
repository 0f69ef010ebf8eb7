"""The publisher's side, with a program that traces and one that does not."""

import subprocess
import sys

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from warren.telemetry.context import TraceContext
from warren.telemetry.publishing import submitted

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
SUBMISSION = ("survey", PROJECT, "warren.ingress", "project.survey")


@pytest.fixture
def exported(monkeypatch):
    provider, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def test_a_submission_is_a_producer_span_below_the_callers_that_ends_at_once(exported):
    with trace.get_tracer("program").start_as_current_span("order") as order:
        token = context.attach(baggage.set_baggage("user", "alice"))
        headers = submitted(*SUBMISSION)
        context.detach(token)
        [span] = exported.get_finished_spans()
    assert (span.name, span.kind, span.parent.span_id) == (
        "submit survey",
        trace.SpanKind.PRODUCER,
        order.get_span_context().span_id,
    )
    found = TraceContext.from_headers(headers)
    assert (found.parent_id, found.sampled) == (trace.format_span_id(span.context.span_id), True)
    assert found.baggage == "user=alice"
    assert span.attributes["warren.project.id"] == PROJECT


def test_without_a_provider_there_is_nothing_to_pass_on():
    assert submitted(*SUBMISSION) == {}


def test_a_program_that_does_not_trace_does_not_even_import_the_api():
    code = (
        "import sys; from warren.telemetry.publishing import submitted; "
        f"assert submitted(*{SUBMISSION!r}) == {{}}; assert not any(m.startswith('opentelemetry') for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
