"""How a plan may end, whatever it has come to: in time, and with no more than a message holds."""

from __future__ import annotations

import math
from typing import Final

from warren.coordination.journal import size_bytes
from warren.errors import InvalidInput, MessageTooLarge
from warren.ledger.transaction import Owner
from warren.messages.outcome import ErrorInfo, Expired, Failed
from warren.messages.written import AnyEnd, Success, Written, text_of

CLOCKS_DIFFER_S: Final = 0.25
"""A worker's clock may be ahead of ours by so much when it says that a deadline has passed."""


def closed(owner: Owner, outcome: AnyEnd, *, now: float, limit_bytes: int) -> AnyEnd:
    """What becomes of an owner whose plan has come to `outcome`; an output as the text that it stays from here on."""
    if not isinstance(outcome, Success):
        return _timely(owner, outcome, now)
    text = text_of(outcome)
    if (size := size_bytes(text)) > limit_bytes:
        return _timely(owner, refused(MessageTooLarge(size, limit_bytes), owner.id), now)
    return _timely(owner, Written(text), now)


def _timely(owner: Owner, outcome: AnyEnd, now: float) -> AnyEnd:
    """Nothing succeeds past its deadline: what a plan tolerates may be what the deadline has ended.

    And what fails as its time is over has expired: its tasks have the same deadline, and may hear of it first.
    """
    left_s = math.inf if owner.deadline_at is None else owner.deadline_at - now
    is_late = left_s < 0 if isinstance(outcome, Success) else left_s <= CLOCKS_DIFFER_S
    return Expired(reason="its deadline passed") if is_late and isinstance(outcome, Success | Failed) else outcome


def refused(error: InvalidInput, task: str = "") -> Failed:
    """The failure of what cannot be done as it was asked for."""
    return Failed(
        error=ErrorInfo(code=error.code, message=error.message, pointer=error.pointer, task=task, permanent=True)
    )
