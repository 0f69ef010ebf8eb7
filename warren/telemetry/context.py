"""What travels from a publisher to everything that its project leads to: W3C trace context and baggage.

Ids of spans are computed, not stored: a project's trace and a place in its tree always give the same id. So every
process knows every parent, and a span that two processes were to export would be one and the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Self

from warren.messages.codec import from_json, to_json

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
BAGGAGE: Final = "baggage"
STATE: Final = frozenset({TRACEPARENT, TRACESTATE})
"""The headers without the publisher's own words."""
CARRIED: Final = (TRACEPARENT, TRACESTATE, BAGGAGE)
"""All headers of a context."""
MAX_STATE_CHARS: Final = 512
MAX_BAGGAGE_CHARS: Final = 8_192
"""The least that W3C asks everybody to pass on; what is longer is dropped whole."""
SAMPLED: Final = 0x01

_PARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A trace, as its project carries it. `parent_id` is the publisher's span; empty if it brought none."""

    trace_id: str
    parent_id: str = ""
    sampled: bool = False
    state: str = ""
    baggage: str = ""
    exported: bool = False
    """Whether our own spans of it go to a collector; what is only passed on is not exported."""

    @classmethod
    def from_headers(cls, headers: Mapping[str, Any]) -> Self | None:
        """The context in a message's headers; None if there is none, or none that makes sense."""
        parent = _text(headers.get(TRACEPARENT))
        if parent is None or (found := _PARENT.fullmatch(parent.strip())) is None:
            return None
        version, trace_id, span_id, flags, more = found.groups()
        if version == "ff" or (version == "00" and more) or trace_id == _NO_TRACE or span_id == _NO_SPAN:
            return None
        state, baggage = _text(headers.get(TRACESTATE)) or "", _text(headers.get(BAGGAGE)) or ""
        return cls(
            trace_id,
            span_id,
            sampled=bool(int(flags, 16) & SAMPLED),
            state=state if len(state) <= MAX_STATE_CHARS and state.isascii() else "",
            baggage=baggage if len(baggage) <= MAX_BAGGAGE_CHARS and baggage.isascii() else "",
        )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """What `to_text` has written."""
        return cls(**from_json(text))

    def to_text(self) -> str:
        """As the ledger keeps it."""
        known = {name: getattr(self, name) for name in self.__slots__}
        return to_json({name: value for name, value in known.items() if value})

    def traceparent(self, span_id: str) -> str:
        """The header for whoever is to go on below a span."""
        return f"00-{self.trace_id}-{span_id}-{'01' if self.sampled else '00'}"

    def headers(self, span_id: str) -> dict[str, str]:
        """All headers for whoever is to go on below a span."""
        headers = {TRACEPARENT: self.traceparent(span_id)}
        if self.state:
            headers[TRACESTATE] = self.state
        if self.baggage:
            headers[BAGGAGE] = self.baggage
        return headers

    def span_id(self, subject: str, *what: str | int) -> str:
        """The id of the span of a project, an assignment, a node or a task, or of something about it."""
        named = "\0".join((self.trace_id, subject, *map(str, what)))
        return blake2b(named.encode(), digest_size=8).hexdigest()


def trace_id_of(project: str) -> str:
    """The trace of a project whose publisher brought none: its id without the hyphens, so that people find it."""
    return project.replace("-", "")


def attempt_id(context: TraceContext, task: str, attempt: int) -> str:
    """The span of one attempt, which a handler's own spans are below."""
    return context.span_id(task, "attempt", attempt)


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("ascii", "replace")
    return value if isinstance(value, str) else None
