"""Deliveries on their way to the slots of a skill."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Line(Generic[Item]):
    """Who takes a delivery wakes the next one in need, if there is more.

    So a handler that never waits is served by one slot, without a switch per delivery, and as soon as it waits for
    something the other slots go on.
    """

    def __init__(self) -> None:
        self._deliveries: deque[Item] = deque()
        self._takers: deque[asyncio.Future[None]] = deque()
        self._closed = False

    def put(self, deliveries: Iterable[Item]) -> None:
        self._deliveries.extend(deliveries)
        self._wake_one()

    async def take(self) -> Item | None:
        """The next delivery; None once the line is closed."""
        while not self._deliveries:
            if self._closed:
                return None
            taker = asyncio.get_running_loop().create_future()
            self._takers.append(taker)
            await taker
        delivery = self._deliveries.popleft()
        self._wake_one()
        return delivery

    def close(self) -> list[Item]:
        """Let the takers go. Returns what nobody took."""
        self._closed = True
        left = list(self._deliveries)
        self._deliveries.clear()
        for taker in self._takers:
            if not taker.done():
                taker.set_result(None)
        return left

    def _wake_one(self) -> None:
        while self._deliveries and self._takers:
            taker = self._takers.popleft()
            if not taker.done():
                taker.set_result(None)
                return
