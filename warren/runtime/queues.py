"""The queues that a role serves, which somebody else has made."""

from __future__ import annotations

from collections.abc import Iterable

from warren.broker.port import Broker


async def must_stand(broker: Broker, queues: Iterable[str]) -> None:
    """Nobody is ready whose queues are not there. Raises QueueMissing, which says what makes them."""
    for queue in queues:
        await broker.depth(queue)
