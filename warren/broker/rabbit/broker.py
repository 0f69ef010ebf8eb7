"""RabbitMQ as Warren's broker."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Final, Self

from yarl import URL

from topology.declaration import Binding, Topology
from warren.broker.port import Outgoing, QueueDepth
from warren.broker.rabbit.connection import RecoveringConnection
from warren.broker.rabbit.declare import Declarer, existing_queue, in_words, new_inbox, refusal_of_queue
from warren.broker.rabbit.line import ChannelRefused, Line
from warren.broker.rabbit.outage import Outage, quieten_libraries
from warren.broker.rabbit.publisher import Publisher
from warren.broker.rabbit.subscription import RabbitSubscription
from warren.errors import BrokerUnavailable, InvalidInput, TopologyMismatch
from warren.ids import Entropy

PORTS: Final = {"amqp": 5672, "amqps": 5671}


class RabbitBroker:
    """A process's connections to RabbitMQ: one publishes, one consumes, one does the rest; each is made when needed.

        async with RabbitBroker("amqp://user:password@127.0.0.1/") as broker:
            await broker.publish([Outgoing("warren.ingress", "project.survey", b"{}")])

    Entering raises BrokerUnavailable if there is no connection within `connect_timeout_s`. After that a lost
    connection is waited for, by whoever needs it; `waiting_for` says so. TLS: `amqps://…?cafile=…&certfile=…`.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "warren",
        connect_timeout_s: float = 15.0,
        publish_timeout_s: float = 30.0,
        entropy: Entropy = os.urandom,
    ) -> None:
        target = _checked(url)
        quieten_libraries()
        outage = Outage(f"{target.host}:{target.port}")

        def connection(purpose: str) -> RecoveringConnection:
            return RecoveringConnection(target, name=name, purpose=purpose, outage=outage)

        self._connect_timeout_s = connect_timeout_s
        self._publishing = connection("publish")
        self._aside = connection("publish aside")
        self._consuming = connection("consume")
        self._consuming_apart = connection("consume apart")
        self._control = connection("control")
        self._publisher = Publisher(self._publishing, self._aside, timeout_s=publish_timeout_s, entropy=entropy)
        self._declarer = Declarer(self._control, timeout_s=connect_timeout_s)
        self._server_version: str | None = None

    async def __aenter__(self) -> Self:
        try:
            self._server_version = await self._control.restore(_version, limit_s=self._connect_timeout_s)
        except BaseException:
            await self._control.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Last comes what others may still need to hear of the end: the inboxes' connection."""
        async with AsyncExitStack() as closing:
            for connection in (self._control, self._consuming_apart, self._consuming, self._publishing, self._aside):
                closing.push_async_callback(connection.close)

    @property
    def server_version(self) -> str:
        """The broker's version, as in "3.10.8", to check a profile against."""
        if self._server_version is None:
            raise BrokerUnavailable("the broker's context has not been entered")
        return self._server_version

    @property
    def reconnects(self) -> int:
        """How many connections were made anew so far."""
        used = (self._control, self._consuming_apart, self._consuming, self._publishing, self._aside)
        return sum(connection.lost_count for connection in used)

    @property
    def waiting_for(self) -> str | None:
        connections = (self._control, self._consuming_apart, self._consuming, self._publishing)
        words = dict.fromkeys(word for connection in connections for word in connection.waiting_for)
        return "; ".join(words) or None

    async def declare(self, topology: Topology) -> None:
        await self._declarer.declare(topology)

    async def publish(self, batch: Sequence[Outgoing]) -> None:
        await self._publisher.publish(batch)

    @asynccontextmanager
    async def subscribe(self, queue: str, *, prefetch: int, apart: bool = False) -> AsyncIterator[RabbitSubscription]:
        source = partial(existing_queue, queue)
        doing = f"consuming queue {queue!r}"
        connection = self._consuming_apart if apart else self._consuming
        subscription = RabbitSubscription(connection, source, doing=doing, prefetch=prefetch)
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(subscription.consuming())
            except ChannelRefused as refusal:
                raise refusal_of_queue(queue, refusal) from refusal
            yield subscription

    @asynccontextmanager
    async def inbox(
        self, routes: Sequence[tuple[str, str]], *, prefetch: int = 100
    ) -> AsyncIterator[RabbitSubscription]:
        source = partial(new_inbox, tuple(routes))
        subscription = RabbitSubscription(self._control, source, doing="making an inbox", prefetch=prefetch)
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(subscription.consuming())
            except ChannelRefused as refusal:
                raise TopologyMismatch(in_words("inbox", str(refusal))) from refusal
            yield subscription

    async def depth(self, queue: str) -> QueueDepth:
        return await self._declarer.depth(queue)

    async def delete_queue(self, queue: str) -> None:
        """Take a queue away with all that it holds."""
        await self._declarer.delete_queue(queue)

    async def unbind(self, binding: Binding) -> None:
        """Take a binding away."""
        await self._declarer.unbind(binding)


async def _version(line: Line) -> str:
    return line.server_version


def _checked(url: str) -> URL:
    """The URL with its port. Raises InvalidInput, whose text does not repeat the URL: it may hold a password."""
    try:
        target = URL(url)
        port = (target.explicit_port or PORTS[target.scheme]) if target.scheme in PORTS else None
        (target.host or "").encode("idna")  # as connecting will, with an error that tells nobody anything
    except ValueError:
        target, port = URL(), None
    if port is None or not target.host:
        raise InvalidInput(
            "bad_amqp_url", "the broker's URL must look like amqp://user:password@host:5672/vhost, or amqps://…"
        )
    return target.with_port(port)
