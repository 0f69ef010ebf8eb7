"""A subscription that pauses while there is no room for what it brings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final

from warren.broker.port import Delivery, Subscription, Verdict
from warren.clock import Clock

Room = Callable[[], Awaitable[int]]
"""For how many deliveries there is room now."""
Subscribe = Callable[[], AbstractAsyncContextManager[Subscription]]

LOOK_S: Final = 0.25
LET_GO_S: Final = 20.0
"""After so long a pause what was prefetched goes back: brokers hang up after 30 s in which they could send nothing,
because too much lies unread; those before 4.3 also on who holds a message for half an hour."""


@asynccontextmanager
async def pausing(subscribe: Subscribe, room: Room, clock: Clock) -> AsyncIterator[PausingSubscription]:
    """A subscription that hands out no more than there is room for."""
    subscription = PausingSubscription(subscribe, room, clock)
    async with subscription.lifetime:
        await subscription.resume()
        yield subscription


class PausingSubscription:
    """Holds what the broker has sent already while there is no room, and gives it back if that takes long."""

    def __init__(self, subscribe: Subscribe, room: Room, clock: Clock) -> None:
        self.lifetime = AsyncExitStack()
        self._subscribe = subscribe
        self._room = room
        self._clock = clock
        self._inner: Subscription | None = None
        self._in_hand = 0
        self._cancelled = False

    async def receive(self, limit: int = 256) -> list[Delivery]:
        paused_at = self._clock.now()
        while not self._cancelled:
            if (room := await self._room()) > 0:
                return await self._receive(min(limit, room))
            if self._clock.now() - paused_at >= LET_GO_S and not self._in_hand:
                await self.pause()
            await self._clock.sleep(LOOK_S)
        return []

    async def settle(self, verdicts: Iterable[tuple[Delivery, Verdict]]) -> None:
        assert self._inner is not None, "nothing is let go while a delivery is in hand"
        settled = list(verdicts)
        await self._inner.settle(settled)
        self._in_hand -= len(settled)

    async def cancel(self) -> None:
        self._cancelled = True
        if self._inner is not None:
            await self._inner.cancel()

    async def resume(self) -> Subscription:
        """The broker's subscription, made anew if it was given up."""
        if self._inner is None:
            self._inner = await self.lifetime.enter_async_context(self._subscribe())
        return self._inner

    async def pause(self) -> None:
        """Give back what was prefetched, and consume no more."""
        self._inner = None
        await self.lifetime.aclose()

    async def _receive(self, limit: int) -> list[Delivery]:
        inner = await self.resume()
        if self._cancelled:
            await inner.cancel()
        received = await inner.receive(limit)
        self._in_hand += len(received)
        return received
