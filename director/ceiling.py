"""How many projects may be under way at once: the others wait in the broker, not in anybody's memory."""

from __future__ import annotations

from typing import Final

from warren.coordination.desk import Desk
from warren.ledger.queries import under_way

SHARE: Final = 10
"""A tenth of the limit may be accepted between two looks, so replicas together exceed it by little."""


class Ceiling:
    """Room for projects, as one replica of the director knows it."""

    def __init__(self, desk: Desk, limit: int) -> None:
        self._desk = desk
        self._limit = limit
        self._room = 0

    async def room(self) -> int:
        """How many projects may be accepted now; 0 if there is no room."""
        if self._room <= 0:
            opened = await self._desk.read(lambda transaction: under_way(transaction, self._desk.clock.now()))
            self._room = min(max(1, self._limit // SHARE), self._limit - opened)
        return max(0, self._room)

    def accepted(self, count: int) -> None:
        """So many were accepted."""
        self._room -= count
