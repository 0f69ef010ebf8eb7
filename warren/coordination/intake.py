"""How batches come in: received, handled in a transaction, answered with confirmed publishes, and only then acked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from topology import names
from warren.broker.dead_letter import Cause, stamped
from warren.broker.port import Delivery, Outgoing, Properties, Subscription, Verdict
from warren.coordination.parcel import APP_ID, Parcel
from warren.errors import InvalidInput, WarrenError
from warren.log import get_logger
from warren.telemetry import contract
from warren.telemetry.metrics import Metrics

BATCH: Final = 256
IN_FLIGHT: Final = 2
"""Batches whose messages are on their way to the broker while the next one is in the ledger."""

log = get_logger("warren.coordination")

Handle = Callable[[Sequence[Delivery]], Awaitable[list[Parcel]]]
Send = Callable[[Sequence[Parcel]], Awaitable[list[Parcel]]]
"""Publishes, and gives back what was not taken."""


async def take_in(subscription: Subscription, send: Send, handle: Handle, metrics: Metrics) -> None:
    """Handle a queue's deliveries until the subscription is cancelled; then finish what is in hand."""
    slots = asyncio.Semaphore(IN_FLIGHT)
    async with asyncio.TaskGroup() as group:
        while batch := await subscription.receive(BATCH):
            metrics.observe(contract.LEDGER_BATCH, len(batch))
            parcels = await handled(handle, batch)
            await slots.acquire()
            group.create_task(_send_then_ack(send, subscription, batch, parcels, slots))


async def _send_then_ack(
    send: Send, subscription: Subscription, batch: Sequence[Delivery], parcels: list[Parcel], slots: asyncio.Semaphore
) -> None:
    try:
        failed = await send(parcels)
        unburied = {id(parcel.buries) for parcel in failed}
        verdicts = [(each, Verdict.REJECT if id(each) in unburied else Verdict.ACK) for each in batch]
        await subscription.settle(verdicts)  # what could not be dead-lettered with its reason, the broker does without
    finally:
        slots.release()


async def handled(handle: Handle, batch: Sequence[Delivery]) -> list[Parcel]:
    """What follows from a batch. A delivery that we fail on, although nothing was to be said against it, is buried:
    it would come again and again, and nothing else would get done.
    """
    try:
        return await handle(batch)
    except Exception as error:
        if isinstance(error, WarrenError) and not isinstance(error, InvalidInput):
            raise
        if len(batch) > 1:
            return [parcel for delivery in batch for parcel in await handled(handle, [delivery])]
        if isinstance(error, InvalidInput):  # the ledger cannot store it
            return [dead_letter(batch[0], error)]
        log.exception("a message could not be handled; it is dead-lettered", queue=batch[0].queue)
        reason = f"handling it failed with {type(error).__name__}; the log has more, and this is a fault of Warren's"
        return [dead_letter(batch[0], InvalidInput("internal_error", reason))]


def dead_letter(delivery: Delivery, error: InvalidInput, now: float | None = None) -> Parcel:
    """A copy of a delivery for the dead-letter queue, with the reason; the original is acked after its confirm."""
    before = delivery.properties
    cause = Cause(error.code, error.message, error.pointer, agent=APP_ID, given_up_s=now)
    properties = Properties(
        type=before.type,
        correlation_id=before.correlation_id,
        reply_to=before.reply_to,
        priority=before.priority,
        timestamp_s=before.timestamp_s,
        app_id=before.app_id,
        content_type=before.content_type,
        headers=stamped(delivery, cause),
    )
    return Parcel(Outgoing(names.DEAD, names.queue_token(delivery.queue), delivery.body, properties), buries=delivery)
