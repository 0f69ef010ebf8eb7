"""A process's connection to the broker, which delays, doubles, reorders and breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from warren.broker.memory.broker import MemoryBroker
from warren.broker.memory.server import MemoryServer, Refusals
from warren.broker.memory.subscription import MemorySubscription
from warren.broker.port import Delivery, Outgoing, Verdict
from warren.errors import PublishFailed
from warren.testing.simulation.fuse import Fuse
from warren.testing.simulation.weather import Weather

GIVE_UP_S = 30.0
"""How long a publish waits for a connection, as RabbitMQ's adapter does."""


class Line(MemoryBroker):
    """Like the adapter for RabbitMQ it sends again, after an outage, what was not confirmed before."""

    def __init__(self, server: MemoryServer, weather: Weather, fuse: Fuse) -> None:
        super().__init__(server)
        self._weather = weather
        self._fuse = fuse
        self._connected = asyncio.Event()
        self._outages = 0

    @property
    def in_hand(self) -> int:
        """How many deliveries are neither settled nor given back."""
        bumpy = [source.subscription for source in self._sources]
        return sum(each.in_hand for each in bumpy if isinstance(each, BumpySubscription))

    def sever(self) -> None:
        self._connected.clear()
        self._outages += 1
        super().sever()

    def restore(self) -> None:
        if not self._fuse.blown:
            super().restore()
            self._connected.set()

    async def publish(self, batch: Sequence[Outgoing]) -> None:
        self._fuse.step("begins to publish")
        refusals = await self._until_confirmed(batch)
        if refusals is None:
            raise PublishFailed("no confirm", unroutable=[], refused=[], unconfirmed=list(range(len(batch))))
        if refusals.unroutable or refusals.refused:
            raise self._failure(batch, refusals)

    async def _until_confirmed(self, batch: Sequence[Outgoing]) -> Refusals | None:
        loop = asyncio.get_running_loop()
        end = loop.time() + GIVE_UP_S
        while loop.time() < end:
            outages = self._outages
            if self.waiting_for is None:
                refusals = await self._sent(batch)
                await self._confirmation()
                if outages == self._outages:
                    return refusals
            await self._reconnected(end - loop.time())
        return None

    async def _reconnected(self, limit_s: float) -> None:
        try:
            async with asyncio.timeout(max(limit_s, 0.0)):
                await self._connected.wait()
        except TimeoutError:
            return

    async def _sent(self, batch: Sequence[Outgoing]) -> Refusals:
        """One by one: a process can die, and a cable be cut, with a part of them out."""
        refusals, outages = Refusals(), self._outages
        order = list(range(len(batch)))
        if self._weather.strikes(0.3):
            self._weather.random.shuffle(order)
        for position in order:
            if outages != self._outages:
                break
            self._take(batch[position], position, refusals)
            if self._weather.strikes(0.05):
                self._take(batch[position], position, Refusals())
            self._fuse.step("publishes")
            if self._weather.strikes(0.05):
                await self._weather.pause()
        return refusals

    def _take(self, message: Outgoing, position: int, refusals: Refusals) -> None:
        found = self._server.publish([message])
        refusals.unroutable += [position] * bool(found.unroutable)
        refusals.refused += [position] * bool(found.refused)
        refusals.impossible.update((position, why) for why in found.impossible.values())

    async def _confirmation(self) -> None:
        await self._weather.pause()
        self._fuse.step("hears confirms")

    def _subscription(self, prefetch: int) -> MemorySubscription:
        return BumpySubscription(self._server, prefetch, self._weather, self._fuse)


class BumpySubscription(MemorySubscription):
    """Deliveries come late, in another order and in batches of any size; acks may get lost with the connection."""

    def __init__(self, server: MemoryServer, prefetch: int, weather: Weather, fuse: Fuse) -> None:
        super().__init__(server, prefetch)
        self._weather = weather
        self._fuse = fuse

    @property
    def in_hand(self) -> int:
        return len(self._unsettled)

    async def receive(self, limit: int = 256) -> list[Delivery]:
        most = self._weather.random.choice((1, 2, 5, limit)) if self._weather.strikes(0.5) else limit
        batch = await super().receive(most)
        self._fuse.step("receives")
        if self._weather.strikes(0.3):
            self._weather.random.shuffle(batch)
        await self._weather.pause()
        self._fuse.step("has received")
        return batch

    async def settle(self, verdicts: Iterable[tuple[Delivery, Verdict]]) -> None:
        for verdict in verdicts:
            self._fuse.step("settles")
            await super().settle([verdict])
            if self._weather.strikes(0.05):
                await self._weather.pause()
        self._fuse.step("has settled")
