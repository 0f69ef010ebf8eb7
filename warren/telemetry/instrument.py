"""What can be measured: a name, a unit and the labels that a value comes with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

SECONDS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    1800.0,
)
"""Upper bounds for durations: from a function call to a command-line agent's half hour."""
SIZES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)


class Shape(Enum):
    """How values of an instrument add up."""

    COUNTER = "counter"
    """It only grows."""
    GAUGE = "gauge"
    """It is what it is at the moment."""
    HISTOGRAM = "histogram"
    """Many values, counted by size."""


@dataclass(frozen=True, slots=True, eq=False)
class Instrument:
    """One metric. `unit` is a UCUM code, `labels` are attribute names whose values are few (never an id)."""

    name: str
    shape: Shape
    unit: str
    about: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, ascending; one more takes the rest."""
