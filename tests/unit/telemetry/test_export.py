import pytest

from warren.clock import SystemClock
from warren.errors import InvalidInput
from warren.telemetry import contract
from warren.telemetry.otlp import Otlp
from warren.telemetry.span import Kind, Service, Span, SpanEvent
from warren.telemetry.telemetry import Telemetry
from warren.testing.otlp import Collector

TRACE = "0af7651916cd43dd8448eb211c80319c"
BEGAN = 1_800_000_000.123456


def span(span_id, parent_id="", **fields):
    told = {"name": "task count", "kind": Kind.INTERNAL, "service": Service("worker", "w-1"), **fields}
    return Span(TRACE, span_id, parent_id, start_s=BEGAN, end_s=BEGAN + 1.5, **told)


@pytest.fixture
async def collector():
    async with Collector() as running:
        yield running


@pytest.fixture(params=["http/protobuf", "grpc"])
async def telemetry(request, collector, monkeypatch):
    environment = collector.environment(request.param)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    one = Telemetry(Service("director", "d-1"), SystemClock(), environment)
    yield one
    await one.close()


async def test_a_span_arrives_with_the_id_and_the_times_it_was_given(telemetry, collector):
    sent = span(
        "b7ad6b7169203331",
        "00f067aa0ba902b7",
        kind=Kind.CONSUMER,
        attributes={"warren.task.id": "p/0", "warren.attempt": 2},
        events=[SpanEvent("exception", BEGAN + 1, {"exception.type": "ValueError"})],
        links=["1111111111111111"],
        error="it broke",
    )
    assert await telemetry.spans.export([sent]) == 1
    [got] = collector.spans
    assert (got.trace_id, got.span_id, got.parent_id) == (TRACE, "b7ad6b7169203331", "00f067aa0ba902b7")
    assert (got.start_ns, got.end_ns) == (1_800_000_000_123_456_000, 1_800_000_001_623_456_000)
    assert (got.service, got.instance, got.kind, got.error) == ("warren-worker", "w-1", "consumer", "it broke")
    assert got.attributes == {"warren.task.id": "p/0", "warren.attempt": 2}
    assert got.events == [("exception", 1_800_000_001_123_456_000, {"exception.type": "ValueError"})]
    assert got.links == ["1111111111111111"]


async def test_many_spans_arrive_in_batches_and_each_once(telemetry, collector):
    spans = [span("00000000000fffff"), *(span(f"{number:016x}", "00000000000fffff") for number in range(1, 1301))]
    assert await telemetry.spans.export(spans) == 1301
    trace = collector.trace(TRACE)
    trace.check()
    assert len(trace.spans) == 1301
    assert "warren_spans_exported_total 1301\n" in telemetry.page()


async def test_metrics_arrive_as_they_were_counted(telemetry, collector):
    telemetry.metrics.add(contract.RETRIES, "scouts", "count", amount=3)
    telemetry.metrics.set(contract.LADDER_DEPTH, 7)
    telemetry.metrics.observe(contract.LEDGER_BATCH, 3.0)
    telemetry.metrics.observe(contract.LEDGER_BATCH, 1000.0)
    await telemetry.close()
    got = collector.metrics
    retries = got["warren-director", "warren.retries"]
    assert (retries.sum.is_monotonic, retries.sum.data_points[0].as_double or retries.sum.data_points[0].as_int) == (
        True,
        3,
    )
    assert {pair.key: pair.value.string_value for pair in retries.sum.data_points[0].attributes} == {
        "warren.team": "scouts",
        "warren.skill": "count",
    }
    assert got["warren-director", "warren.ladder.messages"].gauge.data_points[0].as_int == 7
    batches = got["warren-director", "warren.ledger.batch.size"].histogram.data_points[0]
    assert (batches.count, batches.sum, batches.bucket_counts[2], batches.bucket_counts[-1]) == (2, 1003.0, 1, 1)


async def test_without_a_collector_a_process_only_counts():
    telemetry = Telemetry(Service("worker"), SystemClock(), {})
    assert (telemetry.spans, telemetry.sampling) == (None, None)
    telemetry.metrics.add(contract.RETRIES, "a", "b")
    assert "warren_retries_total" in telemetry.page()
    await telemetry.close()


def test_each_signal_can_be_sent_alone():
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert Otlp.from_environment(endpoint).traces == "http/protobuf"
    assert Otlp.from_environment({**endpoint, "OTEL_METRICS_EXPORTER": "none"}).metrics is None
    assert Otlp.from_environment({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}).metrics is None
    assert Otlp.from_environment({**endpoint, "OTEL_SDK_DISABLED": "true"}) == Otlp()


def test_a_protocol_that_nobody_speaks_is_refused_in_words():
    with pytest.raises(InvalidInput, match="http/protobuf or grpc"):
        Otlp.from_environment(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "carrier-dove"}
        )


async def test_a_collector_is_asked_whether_it_is_there_without_being_told_anything(telemetry, collector):
    assert await telemetry.spans.answers()
    assert collector.spans == []


async def test_nobody_answers_where_nobody_is(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    telemetry = Telemetry(Service("director"), SystemClock(), {**environment, "OTEL_METRICS_EXPORTER": "none"})
    assert not await telemetry.spans.answers()
    assert await telemetry.spans.export([span("b7ad6b7169203331")]) == 0
