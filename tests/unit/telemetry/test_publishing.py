"""The publisher's side, with a program that traces and one that does not."""

import subprocess
import sys

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from warren.errors import Unanswered
from warren.telemetry.context import TraceContext
from warren.telemetry.publishing import submission

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
SUBMISSION = ("survey", PROJECT, "warren.ingress", "project.survey")


@pytest.fixture
def exported():
    return InMemorySpanExporter()


@pytest.fixture
def tracers(exported):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exported))
    return provider


def test_a_submission_is_a_producer_span_below_the_callers(tracers, exported):
    with tracers.get_tracer("program").start_as_current_span("order") as order:
        token = context.attach(baggage.set_baggage("user", "alice"))
        with submission(*SUBMISSION, tracers) as told:
            headers = told.headers
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


def test_it_ends_when_the_broker_has_the_message_and_not_when_somebody_answers(tracers, exported):
    with submission(*SUBMISSION, tracers) as told:
        assert not exported.get_finished_spans()
        told.sent()
        told.sent()
        [span] = exported.get_finished_spans()
    assert span.status.is_unset
    assert len(exported.get_finished_spans()) == 1


def test_a_submission_that_the_broker_never_had_says_why(tracers, exported):
    with pytest.raises(Unanswered), submission(*SUBMISSION, tracers):
        raise Unanswered("the broker is away")
    [span] = exported.get_finished_spans()
    assert (span.status.is_ok, span.status.description) == (False, "the broker is away")
    assert span.attributes["error.type"]
    assert [event.name for event in span.events] == ["exception"]


def test_what_goes_wrong_after_it_was_sent_is_no_fault_of_the_submission(tracers, exported):
    def submit():
        with submission(*SUBMISSION, tracers) as told:
            told.sent()
            raise Unanswered("no director answered")

    with pytest.raises(Unanswered):
        submit()
    [span] = exported.get_finished_spans()
    assert span.status.is_unset


def test_a_span_that_is_not_sampled_is_passed_on_as_one_that_is_not():
    with submission(*SUBMISSION, TracerProvider(ALWAYS_OFF, shutdown_on_exit=False)) as told:
        assert TraceContext.from_headers(told.headers).sampled is False


def test_the_programs_own_provider_is_used_where_none_is_named(tracers, exported, monkeypatch):
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", tracers)
    with submission(*SUBMISSION):
        pass
    assert len(exported.get_finished_spans()) == 1


def test_without_a_provider_there_is_nothing_to_pass_on():
    with submission(*SUBMISSION) as told:
        assert told.headers == {}


def test_a_program_that_does_not_trace_does_not_even_import_the_api():
    code = (
        "import sys; from warren.telemetry.publishing import submission\n"
        f"with submission(*{SUBMISSION!r}) as told: assert told.headers == {{}}\n"
        "assert not any(m.startswith('opentelemetry') for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
