"""The broker as the rest of Warren sees it. Everything moves in batches: that is where the speed is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Protocol

from topology.declaration import Topology

NO_HEADERS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Properties:
    """The AMQP 0-9-1 basic properties that Warren uses.

    `expiration_ms` is the message's TTL, `timestamp_s` is in Unix seconds. A `message_id` is made fresh for each
    publish by the adapter when it is None, because returns are matched by it.
    """

    type: str | None = None
    message_id: str | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    priority: int = 4
    expiration_ms: int | None = None
    timestamp_s: int | None = None
    app_id: str | None = None
    user_id: str | None = None
    content_type: str | None = "application/json"
    persistent: bool = True
    headers: Mapping[str, Any] = field(default_factory=lambda: NO_HEADERS)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish. A `mandatory` one that reaches no queue is an error."""

    exchange: str
    routing_key: str
    body: bytes
    properties: Properties = field(default_factory=Properties)
    mandatory: bool = True


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message received and not yet settled. `tag` means something only to the subscription it came from."""

    queue: str
    exchange: str
    routing_key: str
    body: bytes
    properties: Properties
    redelivered: bool
    tag: tuple[int, int]
    """(incarnation of the channel, delivery tag): a tag of a channel that is gone is not settled but redelivered."""


class Verdict(Enum):
    """What becomes of a delivery."""

    ACK = "ack"
    REJECT = "reject"
    """The queue's dead-letter exchange takes it."""
    REQUEUE = "requeue"
    """It was not tried; somebody else gets it."""


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """`messages` that wait to be delivered, and how many consumers the queue has."""

    messages: int
    consumers: int


class Subscription(Protocol):
    """The deliveries of one queue to one consumer."""

    async def receive(self, limit: int = 256) -> list[Delivery]:
        """At least one delivery, at most `limit`: what is there, without waiting for a batch to fill.

        After `cancel` an empty list: what was not handed out by then goes back to the queue.
        Survives reconnects: it just waits longer.
        """

    async def settle(self, verdicts: Iterable[tuple[Delivery, Verdict]]) -> None:
        """Settle deliveries, in as few frames as the broker allows. Those of a lost channel are left alone."""

    async def cancel(self) -> None:
        """Stop receiving; what is not handed out goes back to the queue, what is handed out can be settled."""


class Broker(Protocol):
    """A connected broker; adapters are async context managers and live as long as their `async with`."""

    async def declare(self, topology: Topology) -> None:
        """Make what is missing. Raises TopologyMismatch, which says in words what differs."""

    async def publish(self, batch: Sequence[Outgoing]) -> None:
        """Return when the broker has taken every message of the batch.

        Raises PublishFailed, which knows the messages that were not taken; all others were.
        """

    def subscribe(self, queue: str, *, prefetch: int, apart: bool = False) -> AbstractAsyncContextManager[Subscription]:
        """Consume a queue with at most `prefetch` unsettled deliveries. Leaving the context gives back the rest.

        `apart` is for a queue that may lie unread: however much that is, all others are read on.
        """

    def inbox(
        self, routes: Sequence[tuple[str, str]], *, prefetch: int = 100
    ) -> AbstractAsyncContextManager[Subscription]:
        """Consume an exclusive queue of one's own, bound by (exchange, routing key); made anew on a reconnect."""

    async def depth(self, queue: str) -> QueueDepth:
        """How full a queue is. Raises QueueMissing."""

    @property
    def waiting_for(self) -> str | None:
        """What keeps the broker from being used, in words for readiness; None when all is well."""
