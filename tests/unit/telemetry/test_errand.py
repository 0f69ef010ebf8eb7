"""What a command that does one thing tells a collector, and whom it goes on below."""

import subprocess
import sys
import time

import pytest

from warren.telemetry.context import TraceContext, trace_id_of
from warren.telemetry.errand import PATIENCE_S, errand
from warren.telemetry.publishing import submission
from warren.telemetry.span import Service
from warren.testing.otlp import Collector

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
SUBMISSION = ("survey", PROJECT, "warren.ingress", "project.survey")
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = {"TRACEPARENT": f"00-{TRACE}-{SPAN}-01", "TRACESTATE": "a=b", "BAGGAGE": "user=alice"}


@pytest.fixture
async def collector():
    async with Collector() as running:
        yield running


@pytest.fixture
def submit(monkeypatch):
    """The headers of a submission by a command with these variables."""

    def once(environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with errand(Service("cli"), PROJECT, environment) as tracers, submission(*SUBMISSION, tracers) as told:
            return TraceContext.from_headers(told.headers)

    return once


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
async def test_a_command_tells_the_collector_of_its_submission_in_the_trace_that_the_project_is_found_by(
    collector, submit, protocol
):
    told = submit(collector.environment(protocol))
    [span] = collector.spans
    assert (span.trace_id, span.parent_id, span.name) == (trace_id_of(PROJECT), "", "submit survey")
    assert (span.service, span.kind) == ("warren-cli", "producer")
    assert (told.trace_id, told.parent_id, told.sampled) == (span.trace_id, span.span_id, True)


async def test_a_command_that_was_called_by_something_traced_goes_on_below_it(collector, submit):
    told = submit({**collector.environment(), **CALLER})
    [span] = collector.spans
    assert (span.trace_id, span.parent_id) == (TRACE, SPAN)
    assert (told.parent_id, told.state, told.baggage) == (span.span_id, "a=b", "user=alice")


def test_without_a_collector_the_callers_context_is_passed_on_as_it_is(submit):
    assert submit(CALLER) == TraceContext(TRACE, SPAN, sampled=True, state="a=b", baggage="user=alice")


async def test_a_command_samples_as_the_environment_says(collector, submit):
    told = submit({**collector.environment(), "OTEL_TRACES_SAMPLER": "always_off"})
    assert (told.trace_id, told.sampled) == (trace_id_of(PROJECT), False)
    assert collector.spans == []


def test_with_neither_opentelemetry_is_not_even_imported():
    code = (
        "import sys; from warren.telemetry.errand import errand; from warren.telemetry.span import Service\n"
        f"with errand(Service('cli'), '{PROJECT}', {{}}) as tracers: assert tracers is None\n"
        "assert not any(m.startswith('opentelemetry') for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_collector_that_is_away_keeps_nobody_for_long_and_is_spoken_of_once(submit, caplog):
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    began_s = time.monotonic()
    assert submit(environment).sampled
    assert time.monotonic() - began_s < PATIENCE_S + 3
    assert len(caplog.records) == 1
    assert "no collector took the span" in caplog.text
