"""How batches come in: received, handled in a transaction, answered with confirmed publishes, and only then acked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from topology import names
from warren.broker.port import Delivery, Outgoing, Properties, Subscription, Verdict
from warren.coordination.desk import Desk
from warren.coordination.dispatch import Parcel
from warren.errors import InvalidInput

BATCH: Final = 256
IN_FLIGHT: Final = 2
"""Batches whose messages are on their way to the broker while the next one is in the ledger."""
MAX_REASON_CHARS: Final = 2_000

Handle = Callable[[Sequence[Delivery]], Awaitable[list[Parcel]]]


async def take_in(subscription: Subscription, desk: Desk, handle: Handle) -> None:
    """Handle a queue's deliveries until the subscription is cancelled; then finish what is in hand."""
    slots = asyncio.Semaphore(IN_FLIGHT)
    async with asyncio.TaskGroup() as group:
        while batch := await subscription.receive(BATCH):
            parcels = await handle(batch)
            await slots.acquire()
            group.create_task(_send_then_ack(desk, subscription, batch, parcels, slots))


async def _send_then_ack(
    desk: Desk, subscription: Subscription, batch: Sequence[Delivery], parcels: list[Parcel], slots: asyncio.Semaphore
) -> None:
    try:
        await desk.send(parcels)
        await subscription.settle([(delivery, Verdict.ACK) for delivery in batch])
    finally:
        slots.release()


def dead_letter(delivery: Delivery, error: InvalidInput) -> Parcel:
    """A copy of a delivery for the dead-letter queue, with the reason; the original is acked after its confirm."""
    before = delivery.properties
    headers = {
        **{name: value for name, value in before.headers.items() if not name.startswith("x-death")},
        "x-warren-error-code": error.code,
        "x-warren-error": error.message[:MAX_REASON_CHARS],
        "x-warren-error-pointer": error.pointer,
        "x-warren-exchange": delivery.exchange,
        "x-warren-routing-key": delivery.routing_key,
    }
    properties = Properties(
        type=before.type,
        correlation_id=before.correlation_id,
        reply_to=before.reply_to,
        priority=before.priority,
        timestamp_s=before.timestamp_s,
        app_id=before.app_id,
        content_type=before.content_type,
        headers=headers,
    )
    return Parcel(Outgoing(names.DEAD, names.queue_token(delivery.queue), delivery.body, properties))
