"""Brings the deliveries of a queue to the slots of a skill."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from warren.broker.port import Broker, Delivery, Subscription
from worker.line import Line
from worker.pace import Pace

AHEAD: Final = 3
"""So many messages more than slots lie ready for a skill that is done with them faster than others can come."""
MOST_AHEAD: Final = 512


@dataclass(frozen=True, slots=True)
class Supplied:
    """A delivery, and where it is settled."""

    subscription: Subscription
    delivery: Delivery


class Supply:
    """As many deliveries as there are slots, so that a slow worker holds nothing that a fast one could do.

    A slot waits for its next delivery until the last one's result is confirmed and acked: for messages that take a few
    milliseconds that is most of the time. So a skill that proves fast gets a second subscription, and some messages
    lie ready; one that turns out slow after all never gets it again in this process's life.
    """

    def __init__(self, broker: Broker, queue: str, slots: int, give_back: Callable[[Supplied], None]) -> None:
        self._broker = broker
        self._queue = queue
        self._slots = slots
        self._give_back = give_back
        self._line: Line[Supplied] = Line()
        self._pace = Pace()
        self._subscriptions: list[Subscription] = []
        self._stopping = False
        self._is_fast = asyncio.Event()
        self._is_slow = asyncio.Event()

    @property
    def is_open(self) -> bool:
        return bool(self._subscriptions)

    async def take(self) -> Supplied | None:
        """The next delivery; None once there will be no more."""
        return await self._line.take()

    def learn(self, took_s: float) -> None:
        """How long a message has kept its slot."""
        self._pace.learn(took_s)
        if self._pace.is_slow:
            self._is_slow.set()
        elif self._pace.is_fast:
            self._is_fast.set()

    async def run(self) -> None:
        """Bring deliveries until `stop`; then keep open what they are settled through, until cancelled."""
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            first = await self._subscribe(stack, self._slots)
            group.create_task(self._receive(first))
            group.create_task(self._run_ahead(stack, group))
            await asyncio.Event().wait()

    async def stop(self) -> None:
        """Take nothing new, and give back what no slot has taken."""
        self._stopping = True
        for subscription in self._subscriptions:
            await subscription.cancel()
        for supplied in self._line.close():
            self._give_back(supplied)

    async def _run_ahead(self, stack: AsyncExitStack, group: asyncio.TaskGroup) -> None:
        await self._is_fast.wait()
        if self._is_slow.is_set():
            return
        more = await self._subscribe(stack, min(AHEAD * self._slots, MOST_AHEAD))
        group.create_task(self._receive(more))
        await self._is_slow.wait()
        await more.cancel()

    async def _subscribe(self, stack: AsyncExitStack, prefetch: int) -> Subscription:
        subscription = await stack.enter_async_context(self._broker.subscribe(self._queue, prefetch=prefetch))
        self._subscriptions.append(subscription)
        if self._stopping:
            await subscription.cancel()
        return subscription

    async def _receive(self, subscription: Subscription) -> None:
        while deliveries := await subscription.receive():
            supplied = [Supplied(subscription, delivery) for delivery in deliveries]
            if not self._stopping:
                self._line.put(supplied)
                continue
            for each in supplied:
                self._give_back(each)
