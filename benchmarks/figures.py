"""The arithmetic of a report: median and range, ratios inside a round, percentiles, growth. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Spread:
    """What several rounds gave."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(median(values), min(values), max(values))

    def text(self, digits: int = 0) -> str:
        return f"{self.median:,.{digits}f} [{self.low:,.{digits}f}-{self.high:,.{digits}f}]"


def paired_ratios(values: Mapping[int, float], baseline: Mapping[int, float]) -> Spread | None:
    """Value over baseline, round by round, so that a machine that slows down for a while slows both sides.

    None where no round has both.
    """
    both = values.keys() & baseline.keys()
    return Spread.of([values[number] / baseline[number] for number in both]) if both else None


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which `percent` of the values lie, 1..99."""
    if len(values) == 1:
        return values[0]
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def growth(by_size: Mapping[int, float]) -> float:
    """By what factor a figure grows, at worst, from a size to any larger one; 1.0 or less means that it never does."""
    sizes = sorted(by_size)
    pairs = [(small, large) for position, small in enumerate(sizes) for large in sizes[position + 1 :]]
    return max((by_size[large] / by_size[small] for small, large in pairs if by_size[small]), default=1.0)
