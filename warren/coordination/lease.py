"""What one replica has taken on to send or to report again, the others leave alone for a while."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from warren.ledger.event import Leased
from warren.ledger.outbox import Unsent

LEASE_S: Final = 5.0
"""Whoever has taken something on has this long to get it confirmed, before another one does."""


def leased(unsent: Iterable[Unsent], now: float) -> list[Leased]:
    """The leases of tasks and assignments that are about to be sent."""
    by_owner: dict[str, list[str]] = {}
    for each in unsent:
        by_owner.setdefault(each.owner, []).append(each.id)
    return [Leased(owner, now, ids, now + LEASE_S) for owner, ids in by_owner.items()]


def lease_of_outcome(owner: str, now: float) -> Leased:
    """The lease of an outcome that is about to be reported."""
    return Leased(owner, now, [owner], now + LEASE_S)
