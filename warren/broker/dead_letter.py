"""What is written on a message when one of us gives it up: the contract between all who write and read dead letters.

A dead letter lies in `warren.dead.<team>` or `warren.dead.director`. Its body is the message as it was; of a bundle,
each task that is given up has a letter of its own. Its AMQP properties are the message's, and its headers say more:

| header | says |
|---|---|
| `x-warren-error-code` | why, for programs: `handler_error`, `input_invalid`, `crash_loop`, `broker_refuses`, … |
| `x-warren-error` | why, for people |
| `x-warren-error-pointer` | a JSON pointer to the offending place, or nothing |
| `x-warren-error-type` | the exception's class, where there was one |
| `x-warren-traceback` | its traceback, the end of it if it is long |
| `x-warren-agent` | who gave it up |
| `x-warren-started-ms` | when its last attempt began, in ms since the Unix epoch |
| `x-warren-given-up-ms` | when it was given up |
| `x-attempt` | the number of its last attempt |
| `x-warren-exchange`, `x-warren-routing-key` | where it came from |

What the broker itself dead-letters has no such header, but the broker's own `x-death`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from warren.broker.headers import forwarded
from warren.broker.port import Delivery

CODE: Final = "x-warren-error-code"
REASON: Final = "x-warren-error"
POINTER: Final = "x-warren-error-pointer"
TYPE: Final = "x-warren-error-type"
TRACEBACK: Final = "x-warren-traceback"
AGENT: Final = "x-warren-agent"
STARTED_MS: Final = "x-warren-started-ms"
GIVEN_UP_MS: Final = "x-warren-given-up-ms"
ATTEMPT: Final = "x-attempt"
EXCHANGE: Final = "x-warren-exchange"
ROUTING_KEY: Final = "x-warren-routing-key"
DEATHS: Final = "x-death"

MAX_REASON_CHARS: Final = 2_000
MAX_POINTER_CHARS: Final = 1_000
MAX_TRACEBACK_CHARS: Final = 8_000


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is given up. Times are Unix seconds."""

    code: str
    message: str
    pointer: str = ""
    type: str = ""
    traceback: str = ""
    agent: str = ""
    started_s: float | None = None
    given_up_s: float | None = None


def stamped(delivery: Delivery, cause: Cause) -> dict[str, Any]:
    """The headers of a delivery's dead letter: what it had, and the cause."""
    told = {
        CODE: cause.code,
        REASON: _text(cause.message, MAX_REASON_CHARS),
        POINTER: _text(cause.pointer, MAX_POINTER_CHARS),
        EXCHANGE: delivery.exchange,
        ROUTING_KEY: delivery.routing_key,
    }
    more = {
        TYPE: _text(cause.type, MAX_REASON_CHARS),
        TRACEBACK: _tail(cause.traceback, MAX_TRACEBACK_CHARS),
        AGENT: cause.agent,
        STARTED_MS: _ms(cause.started_s),
        GIVEN_UP_MS: _ms(cause.given_up_s),
    }
    return {**forwarded(delivery.properties.headers), **told, **{name: value for name, value in more.items() if value}}


def last_death(headers: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the broker wrote when it dead-lettered a message last; None if it did not."""
    deaths = headers.get(DEATHS)
    if not isinstance(deaths, list) or not deaths or not isinstance(deaths[0], Mapping):
        return None
    return deaths[0]


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)


def _tail(text: str, limit: int) -> str:
    return _text(text[-limit:], limit)


def _text(text: str, limit: int) -> str:
    """What a header can carry: the beginning and the end of a long text, and no lone surrogates."""
    if len(text) > limit:
        half = (limit - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    return text.encode("utf-8", "replace").decode()
