"""One client's connection to the memory broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from topology.declaration import Topology
from warren.broker.memory.server import MemoryServer, Refusals
from warren.broker.memory.subscription import MemorySubscription
from warren.broker.port import Outgoing, QueueDepth
from warren.errors import NO_REASONS, BrokerUnavailable, PublishFailed


@dataclass(slots=True, eq=False)
class Source:
    """A subscription and what it reads: a queue by name, or an inbox that is made anew for every connection."""

    subscription: MemorySubscription
    queue: str
    inbox_routes: Sequence[tuple[str, str]] | None = None


class MemoryBroker:
    """A connection to a `MemoryServer`; `sever` and `restore` are what a network does to it.

    >>> from topology.declaration import Queue
    >>> from warren.clock import VirtualClock
    >>> async def count_orders():
    ...     async with MemoryServer(VirtualClock()) as server, MemoryBroker(server) as broker:
    ...         await broker.declare(Topology(queues=(Queue("orders", {"x-queue-type": "classic"}),)))
    ...         await broker.publish([Outgoing("", "orders", b"{}")] * 3)
    ...         return (await broker.depth("orders")).messages
    >>> asyncio.run(count_orders())
    3
    """

    def __init__(self, server: MemoryServer) -> None:
        self._server = server
        self._sources: list[Source] = []
        self._trouble: str | None = "not connected: the broker's context has not been entered"

    async def __aenter__(self) -> Self:
        self.restore()
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._disconnect("closed: the broker's context was left")

    @property
    def waiting_for(self) -> str | None:
        return self._trouble

    async def declare(self, topology: Topology) -> None:
        self._check_connected()
        self._server.declare(topology)

    async def publish(self, batch: Sequence[Outgoing]) -> None:
        self._check_connected()
        refusals = self._server.publish(batch)
        await self._confirmation()
        if refusals.unroutable or refusals.refused:
            raise self._failure(batch, refusals)

    @asynccontextmanager
    async def subscribe(self, queue: str, *, prefetch: int, apart: bool = False) -> AsyncIterator[MemorySubscription]:
        del apart  # there is no socket that one could block for another
        self._check_connected()
        self._server.mailbox(queue)
        async with self._consuming(Source(self._subscription(prefetch), queue)) as subscription:
            yield subscription

    @asynccontextmanager
    async def inbox(
        self, routes: Sequence[tuple[str, str]], *, prefetch: int = 100
    ) -> AsyncIterator[MemorySubscription]:
        self._check_connected()
        subscription = self._subscription(prefetch)
        async with self._consuming(Source(subscription, "", routes)):
            yield subscription

    async def depth(self, queue: str) -> QueueDepth:
        self._check_connected()
        self._server.catch_up()
        mailbox = self._server.mailbox(queue)
        return QueueDepth(len(mailbox), mailbox.consumers)

    def sever(self) -> None:
        """Lose the connection, as when a cable is cut: unsettled deliveries go back, inboxes vanish."""
        self._disconnect("disconnected: the connection to the memory broker was severed")

    def restore(self) -> None:
        """Connect again; subscriptions go on by themselves, with new inboxes where they had one."""
        if self._trouble is not None:
            self._trouble = None
            for source in self._sources:
                self._attach(source)

    async def _confirmation(self) -> None:
        """The broker's answer on its way back. Here others get their turn, and here it could be late or lost."""
        await asyncio.sleep(0)

    def _subscription(self, prefetch: int) -> MemorySubscription:
        """A consumer's end; here deliveries could be late or in another order."""
        return MemorySubscription(self._server, prefetch)

    @asynccontextmanager
    async def _consuming(self, source: Source) -> AsyncIterator[MemorySubscription]:
        self._sources.append(source)
        self._attach(source)
        try:
            yield source.subscription
        finally:
            self._sources.remove(source)
            source.subscription.close()
            self._detach(source)

    def _attach(self, source: Source) -> None:
        if source.inbox_routes is not None:
            source.queue = self._server.make_inbox(source.inbox_routes)
        source.subscription.attach(self._server.mailbox(source.queue))

    def _detach(self, source: Source) -> None:
        source.subscription.lose_channel()
        if source.inbox_routes is not None:
            self._server.delete_queue(source.queue)

    def _disconnect(self, trouble: str) -> None:
        self._trouble = trouble
        for source in self._sources:
            source.subscription.stop_taking()  # all of them, before one gets what another gives back
        for source in self._sources:
            self._detach(source)

    def _check_connected(self) -> None:
        if self._trouble is not None:
            raise BrokerUnavailable(f"the memory broker cannot be used, it is {self._trouble}")

    def _failure(self, batch: Sequence[Outgoing], refusals: Refusals) -> PublishFailed:
        parts = [
            self._describe(batch, "reached no queue", refusals.unroutable),
            self._describe(batch, "were refused", refusals.refused, refusals.impossible),
        ]
        return PublishFailed(
            f"of {len(batch)} messages {' and '.join(part for part in parts if part)}",
            unroutable=refusals.unroutable,
            refused=refusals.refused,
            unconfirmed=[],
            impossible=refusals.impossible,
        )

    def _describe(
        self, batch: Sequence[Outgoing], what: str, positions: Sequence[int], impossible: Mapping[int, str] = NO_REASONS
    ) -> str:
        if not positions:
            return ""
        first = batch[positions[0]]
        known = "" if self._server.has_exchange(first.exchange) else ", an exchange that does not exist"
        why = f": {impossible[positions[0]]}" if positions[0] in impossible else ""
        return f"{len(positions)} {what} (the first: to {first.exchange!r}{known}, key {first.routing_key!r}{why})"
