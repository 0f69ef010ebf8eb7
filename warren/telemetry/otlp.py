"""Which collector a process tells, if any: the standard `OTEL_*` variables say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self

from warren.errors import InvalidInput

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

Signal = Literal["traces", "metrics"]
PROTOCOLS: Final = ("http/protobuf", "grpc")
YES: Final = "true"


@dataclass(frozen=True, slots=True)
class Otlp:
    """The protocol of each signal that is sent; a signal without one is not."""

    traces: str | None = None
    metrics: str | None = None
    interval_s: float = 60.0
    """How often metrics are sent."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Raises InvalidInput for a protocol that nobody speaks."""
        if environment.get("OTEL_SDK_DISABLED", "").lower() == YES:
            return cls()
        return cls(
            _protocol("traces", environment),
            _protocol("metrics", environment),
            _interval_s(environment.get("OTEL_METRIC_EXPORT_INTERVAL", "")),
        )

    def span_exporter(self, timeout_s: float | None = None) -> SpanExporter | None:
        """What sends spans. It reads the endpoint, headers and certificates from the environment itself, and also how
        long to try, unless told here.
        """
        match self.traces:
            case None:
                return None
            case "grpc":
                try:
                    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
                except ImportError:
                    raise _without_grpc() from None
                return GrpcSpans(timeout=timeout_s)
            case _:
                from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans

                return HttpSpans(timeout=timeout_s)

    def metric_exporter(self) -> MetricExporter | None:
        """What sends metrics."""
        match self.metrics:
            case None:
                return None
            case "grpc":
                try:
                    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
                except ImportError:
                    raise _without_grpc() from None
                return GrpcMetrics()
            case _:
                from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics

                return HttpMetrics()


def _protocol(signal: Signal, environment: Mapping[str, str]) -> str | None:
    """How a signal is sent; None if nobody said where to, or said not to."""
    own, shared = f"OTEL_EXPORTER_OTLP_{signal.upper()}", "OTEL_EXPORTER_OTLP"
    if environment.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp").strip() != "otlp":
        return None
    if not (environment.get(f"{own}_ENDPOINT") or environment.get(f"{shared}_ENDPOINT")):
        return None
    named = environment.get(f"{own}_PROTOCOL") or environment.get(f"{shared}_PROTOCOL") or PROTOCOLS[0]
    if named not in PROTOCOLS:
        raise InvalidInput(
            "otlp_protocol", f"{shared}_PROTOCOL is {named!r}, but telemetry is sent as {' or '.join(PROTOCOLS)}"
        )
    return named


def _interval_s(milliseconds: str) -> float:
    return int(milliseconds) / 1000 if milliseconds.isdigit() and int(milliseconds) else 60.0


def _without_grpc() -> InvalidInput:
    return InvalidInput(
        "otlp_protocol",
        "telemetry over gRPC needs one more package: pip install 'warren[otlp-grpc]', "
        "or set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf",
    )
