"""A coordinator at its queues: takes in, sweeps, and leaves in good order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial

from topology import names
from warren.broker.port import Broker, Subscription
from warren.coordination.alarm import Alarm
from warren.coordination.bundling import Skill
from warren.coordination.coordinator import Coordinator
from warren.coordination.intake import Handle, take_in
from warren.coordination.pausing import Room, pausing
from warren.coordination.sweeper import Sweeper
from warren.coordination.tracer import Tracer

PREFETCH = 1024
"""Unsettled deliveries per queue: enough to fill batches while one is in the ledger and two are on their way."""
STRANGERS_PREFETCH = 256
"""Of a queue that others than Warren fill: one batch. With 12 a flood of small projects took 2.5 times as long."""
STRANGERS = frozenset({names.PROJECTS_QUEUE})
"""May lie unread while there is no room, and with messages of any size: read apart, so that results are always read."""


class Station:
    """Runs a coordinator on the queues it is given, each with its handler.

    `rooms` say how much may be taken from a queue; from one without, everything.
    """

    def __init__(
        self,
        broker: Broker,
        coordinator: Coordinator,
        queues: Mapping[str, Handle],
        watched: Mapping[Skill, str],
        rooms: Mapping[str, Room] | None = None,
    ) -> None:
        self._broker = broker
        self._coordinator = coordinator
        self._queues = queues
        self._watched = watched
        self._rooms = rooms or {}
        self._subscriptions: list[Subscription] = []
        self._beside: list[Callable[[], Coroutine[None, None, None]]] = []
        self._finished = asyncio.Event()

    @property
    def waiting_for(self) -> str | None:
        """What keeps it from taking anything in, in words for readiness."""
        missing = list(self._queues)[len(self._subscriptions) :]
        return f"it does not consume {missing[0]} yet" if missing else None

    def beside(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Something more to do until the last queue is left."""
        self._beside.append(work)

    async def run(self) -> None:
        """Work until drained or cancelled."""
        try:
            async with AsyncExitStack() as stack:
                for queue in self._queues:
                    self._subscriptions.append(await stack.enter_async_context(self._subscription(queue)))
                await self._work()
        finally:
            self._finished.set()

    async def drain(self) -> None:
        """Take nothing new, finish the batches in hand, write everything down."""
        for subscription in self._subscriptions:
            await subscription.cancel()
        await self._finished.wait()
        await self._coordinator.desk.write_notes()

    def _subscription(self, queue: str) -> AbstractAsyncContextManager[Subscription]:
        apart = queue in STRANGERS
        prefetch = STRANGERS_PREFETCH if apart else PREFETCH
        subscribe = partial(self._broker.subscribe, queue, prefetch=prefetch, apart=apart)
        room = self._rooms.get(queue)
        return subscribe() if room is None else pausing(subscribe, room, self._coordinator.clock)

    async def _work(self) -> None:
        desk = self._coordinator.desk
        async with asyncio.TaskGroup() as group:
            aside = [
                group.create_task(Sweeper(self._coordinator).run()),
                group.create_task(Alarm(self._coordinator).run()),
                group.create_task(Tracer(desk, self._coordinator.telemetry).run()),
                group.create_task(self._coordinator.presence.watch(self._watched, self._coordinator.clock)),
                *(group.create_task(work()) for work in self._beside),
            ]
            handlers = zip(self._subscriptions, self._queues.values(), strict=True)
            intakes = [
                group.create_task(take_in(each, self._coordinator.send, handle, desk.metrics))
                for each, handle in handlers
            ]
            await asyncio.wait(intakes)
            for task in aside:
                task.cancel()
