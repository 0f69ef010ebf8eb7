"""A moment that a plan's data names."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from warren.errors import InvalidInput
from warren.messages.codec import shortened

MAX_SHOWN_CHARS = 80


def moment(value: Any, what: str) -> float:
    """Unix seconds of a time in RFC 3339, with its zone. Raises InvalidInput with code `moment_invalid`."""
    try:
        parsed = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        found = shortened(repr(value), MAX_SHOWN_CHARS)
        raise InvalidInput(
            "moment_invalid", f"{what} must be a time with its zone, such as 2030-01-31T08:00:00Z, not {found}"
        )
    return parsed.timestamp()
