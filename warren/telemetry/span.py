"""A span as a value: what happened, when, and below what. Nothing here knows OpenTelemetry."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

Value = str | int | float | bool


class Kind(Enum):
    """The part a span plays between processes."""

    INTERNAL = "internal"
    PRODUCER = "producer"
    CONSUMER = "consumer"


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened at a moment within a span (Unix seconds)."""

    name: str
    at: float
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """Who did it: the role, and which process of it."""

    role: str
    instance: str = ""


@dataclass(slots=True)
class Span:
    """One span; ids are lower-case hex, times are Unix seconds. `parent_id` is empty for the root of a trace.

    `error` says in words why the span is one that went wrong; None if it is not. `links` are ids of spans in the
    same trace.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: Kind
    service: Service
    start_s: float
    end_s: float
    attributes: dict[str, Value] = field(default_factory=dict)
    events: list[SpanEvent] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    error: str | None = None
