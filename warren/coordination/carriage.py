"""The headers that carry a project's trace along with its messages. A project that has none costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from warren.broker.port import NO_HEADERS
from warren.telemetry.context import CARRIED, TRACEPARENT, TraceContext

KEPT: Final = 1_024
"""Contexts that are kept ready; one for each project that is at work."""


def headers_below(trace: str | None, subject: str, only: frozenset[str] | None = None) -> Mapping[str, Any]:
    """For a message about `subject` (a project, an assignment, a task), whose span the receiver is to go on below.

    `only` some of them, as CloudEvents have extensions for the trace but not for baggage.
    """
    if trace is None:
        return NO_HEADERS
    context, passed_on = _read(trace)
    headers = context.headers(context.span_id(subject)) if passed_on is None else passed_on
    return headers if only is None else {name: value for name, value in headers.items() if name in only}


def headers_back(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """For an answer to a message that led to nothing: the context that it came with."""
    if TRACEPARENT not in headers:
        return NO_HEADERS
    return {name: headers[name] for name in CARRIED if isinstance(headers.get(name), str)}


def is_exported(trace: str | None) -> bool | None:
    """Whether spans of this trace are exported, as the ledger keeps it: True, or None."""
    return (trace is not None and _read(trace)[0].exported) or None


@lru_cache(KEPT)
def _read(trace: str) -> tuple[TraceContext, Mapping[str, Any] | None]:
    """(the context, the headers of all its messages if they are all the same).

    Who is not sampled has no spans of its own: the publisher's goes on.
    """
    context = TraceContext.from_text(trace)
    return context, None if context.sampled else context.headers(context.parent_id)
