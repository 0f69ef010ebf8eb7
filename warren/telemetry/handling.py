"""The surroundings of a handler: spans that it makes and lines that it logs belong to its attempt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from contextvars import Token
from typing import Any, Final

from opentelemetry import context as contexts
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from warren.ids import project_of
from warren.telemetry.context import TRACEPARENT, TraceContext, attempt_id, trace_id_of

REMEMBERED: Final = 256
"""Projects whose context is kept ready."""
NOT_SAMPLED_SPAN: Final = "f" * 16
"""A parent that was never exported, so that what a handler starts is left out with its project."""

_STATE: Final = TraceContextTextMapPropagator()
_BAGGAGE: Final = W3CBaggagePropagator()


class Handling:
    """Attaches contexts around handlers. One that is not sampled is made once for its project: it costs next to
    nothing for each task.
    """

    def __init__(self, *, marks_unsampled: bool = False) -> None:
        """`marks_unsampled` if this process exports spans: then handlers must learn what not to export."""
        self._marks_unsampled = marks_unsampled
        self._unsampled: OrderedDict[str, Context] = OrderedDict()

    def enter(self, headers: Mapping[str, Any], task_id: str, attempt: int) -> Token[Context] | None:
        """From here on this is the handler's context, until `leave` with what this returns."""
        if TRACEPARENT not in headers and not self._marks_unsampled:
            return None
        project = project_of(task_id)
        context = self._unsampled.get(project) or self._made(headers, project, task_id, attempt)
        return None if context is None else contexts.attach(context)

    def leave(self, token: Token[Context] | None) -> None:
        if token is not None:
            contexts.detach(token)

    def _made(self, headers: Mapping[str, Any], project: str, task_id: str, attempt: int) -> Context | None:
        found = TraceContext.from_headers(headers)
        if found is not None and found.sampled:
            return extracted(found.headers(attempt_id(found, task_id, attempt)))
        if found is None and not self._marks_unsampled:
            return None
        left_out = found or TraceContext(trace_id_of(project), NOT_SAMPLED_SPAN)
        return self._remember(project, extracted(left_out.headers(left_out.parent_id)))

    def _remember(self, project: str, context: Context) -> Context:
        self._unsampled[project] = context
        if len(self._unsampled) > REMEMBERED:
            self._unsampled.popitem(last=False)
        return context


def extracted(carrier: Mapping[str, str]) -> Context:
    """OpenTelemetry's context of W3C headers."""
    return _BAGGAGE.extract(carrier, _STATE.extract(carrier, Context()))


def current_headers() -> dict[str, str]:
    """The headers for whatever is called from here, such as the environment of a program; empty if there are none."""
    carrier: dict[str, str] = {}
    _STATE.inject(carrier)
    _BAGGAGE.inject(carrier)
    return carrier
