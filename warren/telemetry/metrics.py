"""Where a process counts what it does. Counting is a dictionary's price, whoever reads the numbers in the end."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from warren.telemetry.instrument import Instrument

Labels = tuple[str, ...]
Read = Callable[[], float]


@dataclass(slots=True)
class Bins:
    """The values of one histogram for one set of labels; `counts` has one bin more than there are bounds."""

    counts: list[int]
    total: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Reading:
    """All values of one instrument at a moment, by labels."""

    instrument: Instrument
    numbers: dict[Labels, float]
    bins: dict[Labels, Bins]


class Metrics:
    """The numbers of one process.

        metrics.add(RETRIES, "scouts", "measure")
        metrics.observe(ATTEMPT_DURATION, 0.2, "scouts", "measure", "succeeded")
        metrics.watch(IN_FLIGHT, lambda: len(running), "scouts", "measure")

    Labels come in the order in which the instrument names them. Written by one thread, read by any.
    """

    def __init__(self) -> None:
        self._numbers: dict[Instrument, dict[Labels, float]] = {}
        self._bins: dict[Instrument, dict[Labels, Bins]] = {}
        self._watched: dict[Instrument, dict[Labels, Read]] = {}

    def add(self, counter: Instrument, *labels: str, amount: float = 1) -> None:
        """Count something."""
        numbers = self._numbers.setdefault(counter, {})
        numbers[labels] = numbers.get(labels, 0) + amount

    def set(self, gauge: Instrument, value: float, *labels: str) -> None:
        """Say how much there is of something now."""
        self._numbers.setdefault(gauge, {})[labels] = value

    def observe(self, histogram: Instrument, value: float, *labels: str) -> None:
        """Take in one of many values."""
        of_histogram = self._bins.setdefault(histogram, {})
        bins = of_histogram.get(labels)
        if bins is None:
            bins = of_histogram[labels] = Bins([0] * (len(histogram.bounds) + 1))
        bins.counts[bisect_left(histogram.bounds, value)] += 1
        bins.total += value

    def watch(self, instrument: Instrument, read: Read, *labels: str) -> None:
        """Have a number looked up whenever somebody wants to know. Cheap, and safe to call from another thread."""
        self._watched.setdefault(instrument, {})[labels] = read

    def read(self) -> Iterator[Reading]:
        """What has been measured so far, instrument by instrument."""
        for instrument in [*dict.fromkeys([*self._numbers, *self._watched])]:
            numbers = dict(self._numbers.get(instrument, {}))
            numbers.update({labels: read() for labels, read in list(self._watched.get(instrument, {}).items())})
            yield Reading(instrument, numbers, {})
        for instrument, bins in list(self._bins.items()):
            copies = {labels: Bins(list(one.counts), one.total) for labels, one in list(bins.items())}
            yield Reading(instrument, {}, copies)
