"""A collector for tests: receives OTLP over HTTP and gRPC, decodes the protobufs, and puts traces together.

    async with Collector() as collector:
        start_something(env=collector.environment())
        await collector.has(lambda spans: len(spans) == 3)
        trace = collector.trace(trace_id)
        trace.check()

It answers like a real one: 200 and OK, once what was sent is understood. `fail_next` makes it refuse.
"""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from warren.testing.patience import wait_until
from warren.testing.received_trace import ReceivedSpan, Trace

OK: Final = 200
NOT_FOUND: Final = 404
UNAVAILABLE: Final = 503
ERROR: Final = trace_pb2.Status.STATUS_CODE_ERROR
KINDS: Final = {0: "unspecified", 1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


@dataclass(slots=True)
class _Received:
    """What has come in so far; written by server threads."""

    spans: list[ReceivedSpan] = field(default_factory=list)
    metrics: dict[tuple[str, str], Any] = field(default_factory=dict)
    failures: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_to_fail(self) -> bool:
        with self.lock:
            self.failures -= 1
            return self.failures >= 0

    def take(self, path: str, body: bytes) -> int:
        """The HTTP status for a request."""
        if self.is_to_fail():
            return UNAVAILABLE
        match path:
            case "/v1/traces":
                self.take_traces(ExportTraceServiceRequest.FromString(body))
            case "/v1/metrics":
                self.take_metrics(ExportMetricsServiceRequest.FromString(body))
            case _:
                return NOT_FOUND
        return OK

    def take_traces(self, request: ExportTraceServiceRequest) -> None:
        with self.lock:
            self.spans += spans_in(request)

    def take_metrics(self, request: ExportMetricsServiceRequest) -> None:
        with self.lock:
            for resource in request.resource_metrics:
                service = str(_attributes(resource.resource.attributes).get("service.name", ""))
                for scope in resource.scope_metrics:
                    self.metrics.update({(service, metric.name): metric for metric in scope.metrics})


class Collector:
    """Listens on loopback ports of its own, as long as its `async with`."""

    def __init__(self) -> None:
        self._received = _Received()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._received))
        self._thread = threading.Thread(target=self._http.serve_forever, name="collector", daemon=True)
        self._grpc: Any = None
        self._grpc_port = 0

    @property
    def spans(self) -> list[ReceivedSpan]:
        with self._received.lock:
            return list(self._received.spans)

    @property
    def metrics(self) -> dict[tuple[str, str], Any]:
        """The latest of each metric, by (service, name)."""
        with self._received.lock:
            return dict(self._received.metrics)

    def trace(self, trace_id: str) -> Trace:
        return Trace([span for span in self.spans if span.trace_id == trace_id])

    def environment(self, protocol: str = "http/protobuf") -> dict[str, str]:
        """The variables that make a process send here."""
        port = self._grpc_port if protocol == "grpc" else self._http.server_address[1]
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def fail_next(self, requests: int) -> None:
        """Answer the next requests with 503, or UNAVAILABLE."""
        with self._received.lock:
            self._received.failures = requests

    async def has(self, condition: Callable[[list[ReceivedSpan]], bool], *, timeout_s: float = 30.0) -> None:
        """Wait until the spans are as they are to be."""
        try:
            await wait_until(lambda: condition(self.spans), timeout_s=timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; the spans are {sorted({span.name for span in self.spans})}") from None

    async def __aenter__(self) -> Self:
        self._thread.start()
        self._grpc, self._grpc_port = _grpc_server(self._received)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        self._grpc.stop(0).wait()


def spans_in(request: ExportTraceServiceRequest) -> list[ReceivedSpan]:
    """The spans of one request."""
    return [
        _span(span, _attributes(resource.resource.attributes))
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _span(span: trace_pb2.Span, resource: dict[str, Any]) -> ReceivedSpan:
    return ReceivedSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        kind=KINDS[span.kind],
        service=str(resource.get("service.name", "")),
        instance=str(resource.get("service.instance.id", "")),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        events=[(event.name, event.time_unix_nano, _attributes(event.attributes)) for event in span.events],
        links=[link.span_id.hex() for link in span.links],
        error=span.status.message if span.status.code == ERROR else None,
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)


def _handler(received: _Received) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            self.send_response(received.take(self.path, body))
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    return Handler


def _grpc_server(received: _Received) -> tuple[Any, int]:
    """(server, port)."""
    import grpc
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

    def refuse_if_told(context: Any) -> None:
        if received.is_to_fail():
            context.abort(grpc.StatusCode.UNAVAILABLE, "told to fail")

    class Traces(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:  # noqa: N802
            refuse_if_told(context)
            received.take_traces(request)
            return ExportTraceServiceResponse()

    class Measurements(metrics_service_pb2_grpc.MetricsServiceServicer):
        def Export(  # noqa: N802
            self, request: ExportMetricsServiceRequest, context: Any
        ) -> ExportMetricsServiceResponse:
            refuse_if_told(context)
            received.take_metrics(request)
            return ExportMetricsServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2, thread_name_prefix="collector"))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(), server)  # type: ignore[no-untyped-call]
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Measurements(), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port
