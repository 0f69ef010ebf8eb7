"""The headers that carry a project's trace along with its messages. A project that has none costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from warren.broker.port import NO_HEADERS
from warren.telemetry.context import TraceContext

KEPT: Final = 1_024
"""Contexts that are kept ready; one for each project that is at work."""


def headers_below(trace: str | None, subject: str) -> Mapping[str, Any]:
    """For a message about `subject` (a project, an assignment, a task), whose span the receiver is to go on below."""
    if trace is None:
        return NO_HEADERS
    context = _context(trace)
    if context.sampled:
        return context.headers(context.span_id(subject))
    return _unsampled(trace)


def is_exported(trace: str | None) -> bool | None:
    """Whether spans of this trace are exported, as the ledger keeps it: True, or None."""
    return (trace is not None and _context(trace).exported) or None


@lru_cache(KEPT)
def _context(trace: str) -> TraceContext:
    return TraceContext.from_text(trace)


@lru_cache(KEPT)
def _unsampled(trace: str) -> Mapping[str, Any]:
    """Who is not sampled has no spans of its own: the publisher's goes on."""
    context = _context(trace)
    return context.headers(context.parent_id)
