"""What one process tells about itself: its metrics, and the spans of what it finishes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from warren.clock import Clock, SystemClock
from warren.telemetry import contract
from warren.telemetry.handling import Handling
from warren.telemetry.metrics import Metrics
from warren.telemetry.otlp import Otlp
from warren.telemetry.prometheus import exposition
from warren.telemetry.span import Service

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from warren.telemetry.metric_export import OtlpMetrics
    from warren.telemetry.sampling import Sampling
    from warren.telemetry.span_export import SpanSink

CHILDREN: Final = 500
FLUSH_S: Final = 5.0
"""What the last export may take when the process ends."""


class Telemetry:
    """Made once for each process. Without a collector in the environment it only counts, for `/metrics`."""

    def __init__(self, service: Service, clock: Clock, environment: Mapping[str, str]) -> None:
        """Raises InvalidInput for settings of OpenTelemetry that cannot be used."""
        self.metrics = Metrics()
        self.service = service
        self.spans: SpanSink | None = None
        """Where finished spans go; None if nobody wants them."""
        self.sampling: Sampling | None = None
        """Decides which projects are traced; None if none are by this process's own account."""
        self.children = CHILDREN
        """How many children of one node of a plan get spans."""
        self._otlp = Otlp.from_environment(environment)
        self._provider: TracerProvider | None = None
        self._pushed = self._metric_push(clock)
        self._set_up_spans()
        self.handling = Handling(marks_unsampled=self.spans is not None)

    @classmethod
    def silent(cls, role: str, instance: str = "") -> Self:
        """Tells nobody anything: for tests, and for roles that run within another program."""
        return cls(Service(role, instance), SystemClock(), {})

    def page(self) -> str:
        """What a Prometheus gets that scrapes this process."""
        return exposition(self.metrics.read())

    def provide(self) -> None:
        """Let the spans that handlers make with OpenTelemetry's API go to the same collector."""
        if self.spans is None:
            return
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from warren.telemetry.resource import resource_of

        exporter = self._otlp.span_exporter()
        assert exporter is not None
        self._provider = TracerProvider(resource=resource_of(self.service), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        trace.set_tracer_provider(self._provider)

    async def run(self) -> None:
        """Send metrics until cancelled."""
        if self._pushed is None:
            await asyncio.Event().wait()
        else:
            await self._pushed.run()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Send what is left, as far as the collector answers."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                if self._pushed is not None:
                    await self._pushed.send()
                if self._provider is not None:
                    await asyncio.to_thread(self._provider.shutdown)

    def _set_up_spans(self) -> None:
        exporter = self._otlp.span_exporter()
        if exporter is None:
            return
        from warren.telemetry.sampling import Sampling
        from warren.telemetry.span_export import OtlpSpans

        self.spans = OtlpSpans(exporter, self.metrics)
        for one in (contract.SPANS_EXPORTED, contract.SPANS_DROPPED):
            self.metrics.add(one, amount=0)  # a rise from nothing is no rise to Prometheus
        self.sampling = Sampling()

    def _metric_push(self, clock: Clock) -> OtlpMetrics | None:
        exporter = self._otlp.metric_exporter()
        if exporter is None:
            return None
        from warren.telemetry.metric_export import OtlpMetrics

        return OtlpMetrics(exporter, self.metrics, self.service, clock, self._otlp.interval_s)
