"""Metrics as Prometheus reads them: text, one line for each value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from warren.telemetry.instrument import Instrument, Shape
from warren.telemetry.metrics import Bins, Labels, Reading

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
UNITS: Final = {"s": "_seconds", "By": "_bytes"}


def exposition(readings: Iterable[Reading]) -> str:
    """The page that a scrape gets."""
    return "".join(f"{line}\n" for reading in readings for line in _lines(reading))


def prometheus_name(instrument: Instrument) -> str:
    """An instrument's name there: `warren.attempt.duration` in seconds is `warren_attempt_duration_seconds`."""
    suffix = "_total" if instrument.shape is Shape.COUNTER else ""
    return instrument.name.replace(".", "_") + UNITS.get(instrument.unit, "") + suffix


def series(instrument: Instrument) -> tuple[str, ...]:
    """The names of all time series that come of an instrument."""
    name = prometheus_name(instrument)
    return (f"{name}_bucket", f"{name}_sum", f"{name}_count") if instrument.shape is Shape.HISTOGRAM else (name,)


def _lines(reading: Reading) -> Iterator[str]:
    name = prometheus_name(reading.instrument)
    yield f"# HELP {name} {reading.instrument.about}"
    yield f"# TYPE {name} {reading.instrument.shape.value}"
    for labels, number in sorted(reading.numbers.items()):
        yield f"{name}{_labels(reading.instrument, labels)} {_number(number)}"
    for labels, bins in sorted(reading.bins.items()):
        yield from _histogram(reading.instrument, name, labels, bins)


def _histogram(instrument: Instrument, name: str, labels: Labels, bins: Bins) -> Iterator[str]:
    for bound, count in zip((*instrument.bounds, float("inf")), accumulate(bins.counts), strict=True):
        limit = "+Inf" if bound == float("inf") else _number(bound)
        yield f"{name}_bucket{_labels(instrument, labels, limit)} {count}"
    yield f"{name}_sum{_labels(instrument, labels)} {_number(bins.total)}"
    yield f"{name}_count{_labels(instrument, labels)} {bins.count}"


def _labels(instrument: Instrument, values: Labels, limit: str | None = None) -> str:
    pairs = [
        f'{name.replace(".", "_")}="{_escaped(value)}"' for name, value in zip(instrument.labels, values, strict=True)
    ]
    if limit is not None:
        pairs.append(f'le="{limit}"')
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
