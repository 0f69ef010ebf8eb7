"""Metrics on their way to a collector: what this process has counted, in OpenTelemetry's data model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from warren.clock import Clock
from warren.telemetry import contract
from warren.telemetry.instrument import Instrument, Shape
from warren.telemetry.metrics import Bins, Labels, Metrics, Reading
from warren.telemetry.resource import resource_of
from warren.telemetry.span import Service
from warren.telemetry.span_export import nanoseconds

_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE
_SCOPE: Final = InstrumentationScope(contract.SCOPE)


class OtlpMetrics:
    """Sends all metrics of a process every `interval_s` seconds, and once more at its end."""

    def __init__(
        self, exporter: MetricExporter, metrics: Metrics, service: Service, clock: Clock, interval_s: float
    ) -> None:
        self._exporter = exporter
        self._metrics = metrics
        self._resource = resource_of(service)
        self._clock = clock
        self._interval_s = interval_s
        self._began_s = clock.now()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._clock.sleep(self._interval_s)
            await self.send()

    async def send(self) -> None:
        """Send what there is now; a collector that does not answer hears more the next time."""
        data = self._data(self._metrics.read())
        await asyncio.to_thread(self._exporter.export, data)

    def close(self) -> None:
        """Give up what is on its way."""
        self._exporter.shutdown()

    def _data(self, readings: Iterable[Reading]) -> MetricsData:
        began, now = nanoseconds(self._began_s), nanoseconds(self._clock.now())
        metrics = [_metric(reading, began, now) for reading in readings]
        return MetricsData([ResourceMetrics(self._resource, [ScopeMetrics(_SCOPE, metrics, "")], "")])


def _metric(reading: Reading, began: int, now: int) -> Metric:
    instrument = reading.instrument
    return Metric(instrument.name, instrument.about, instrument.unit, _points(reading, began, now))


def _points(reading: Reading, began: int, now: int) -> Sum | Gauge | Histogram:
    instrument = reading.instrument
    if instrument.shape is Shape.HISTOGRAM:
        bins = [_bins(instrument, labels, one, began, now) for labels, one in reading.bins.items()]
        return Histogram(bins, _CUMULATIVE)
    points = [
        NumberDataPoint(_attributes(instrument, labels), began, now, number)
        for labels, number in reading.numbers.items()
    ]
    return Sum(points, _CUMULATIVE, is_monotonic=True) if instrument.shape is Shape.COUNTER else Gauge(points)


def _bins(instrument: Instrument, labels: Labels, bins: Bins, began: int, now: int) -> HistogramDataPoint:
    """Smallest and largest value are not kept; the bounds of the outer bins stand for them."""
    nowhere: Any = None
    return HistogramDataPoint(
        attributes=_attributes(instrument, labels),
        start_time_unix_nano=began,
        time_unix_nano=now,
        count=bins.count,
        sum=bins.total,
        bucket_counts=bins.counts,
        explicit_bounds=instrument.bounds,
        min=nowhere,
        max=nowhere,
    )


def _attributes(instrument: Instrument, labels: Labels) -> dict[str, str]:
    return dict(zip(instrument.labels, labels, strict=True))
