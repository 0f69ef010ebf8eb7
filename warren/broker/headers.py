"""What may be sent on of a stranger's headers."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

DEATHS: Final = ("x-death", "x-first-death-", "x-last-death-")
"""A history that travels with a copy makes brokers before 4.0 drop it as a dead-letter cycle."""
COPIES: Final = ("CC", "BCC")
"""Keys to which the broker sends copies: what goes where is not for strangers to decide."""
MAX_VALUE_CHARS: Final = 2_000
MAX_CHARS: Final = 16_000
"""All headers of a message share one frame with its other properties, and most brokers limit it to 128 KiB."""
LEFT_OUT: Final = "x-warren-headers-left-out"
INTEGERS: Final = range(-(2**63), 2**63)


def forwarded(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The headers for a copy of a message: plain values, what is not plain as text, and not too much of it.

    Where that is not all of them, `x-warren-headers-left-out` says how many are missing.
    """
    kept: dict[str, Any] = {}
    left_out = chars = 0
    for name, value in headers.items():
        if name.startswith(DEATHS) or name in COPIES:
            continue
        plain = _plain(value)
        chars += len(name) + len(str(plain))
        if chars > MAX_CHARS:
            left_out += 1
        else:
            kept[name] = plain
    return kept | {LEFT_OUT: left_out} if left_out else kept


def _plain(value: Any) -> Any:
    match value:
        case None | bool():
            return value
        case int() if value in INTEGERS:
            return value
        case str():
            return value[:MAX_VALUE_CHARS]
        case int() | float() | Decimal() | datetime():
            return str(value)[:MAX_VALUE_CHARS]
        case _:
            return reprlib.repr(value)
