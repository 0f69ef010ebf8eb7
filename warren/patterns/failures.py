"""An outcome that is no success, in a few words that a plan can carry on with."""

from __future__ import annotations

from typing import assert_never

from warren.messages.message import JsonObject
from warren.messages.outcome import AnyOutcome, Cancelled, Expired, Failed, Succeeded


def summary(outcome: AnyOutcome) -> JsonObject:
    """`status`, `code` and `message` of what went wrong."""
    match outcome:
        case Failed(error=error):
            return {"status": outcome.status, "code": error.code, "message": error.message}
        case Cancelled(reason=reason) | Expired(reason=reason):
            return {"status": outcome.status, "code": outcome.status, "message": reason}
        case Succeeded():
            return {"status": outcome.status, "code": "", "message": ""}
        case _:
            assert_never(outcome)
