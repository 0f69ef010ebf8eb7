"""An outcome that is no success, in a few words that a plan can carry on with."""

from __future__ import annotations

from typing import Final, assert_never

from warren.messages.message import JsonObject
from warren.messages.outcome import Cancelled, Expired, Failed, Succeeded
from warren.messages.written import AnyEnd, Written

WHOSE: Final = ("type", "task", "skill", "attempts")


def summary(outcome: AnyEnd) -> JsonObject:
    """`status`, `code` and `message` of what went wrong, and of a task's failure whose it was."""
    match outcome:
        case Failed(error=error):
            whose = error.model_dump(include={*WHOSE}, exclude_defaults=True)
            return {"status": outcome.status, "code": error.code, "message": error.message, **whose}
        case Cancelled(reason=reason) | Expired(reason=reason):
            return {"status": outcome.status, "code": outcome.status, "message": reason}
        case Succeeded() | Written():
            return {"status": outcome.status, "code": "", "message": ""}
        case _:
            assert_never(outcome)
