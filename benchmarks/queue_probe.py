"""Looks at a contender's queues from outside: are its consumers there, and away with them in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import pika  # type: ignore[import-untyped]
from pika.exceptions import AMQPError  # type: ignore[import-untyped]

from benchmarks.child import Child

POLL_S = 0.1
READY_S = 60.0


async def wait_for_consumers(amqp_url: str, queue: str, count: int, workers: Sequence[Child]) -> None:
    """Return when `queue` has at least `count` consumers. Raises RuntimeError if a worker dies on the way there."""
    async with asyncio.timeout(READY_S):
        while await asyncio.to_thread(_consumers, amqp_url, queue) < count:
            for worker in workers:
                worker.assert_alive()
            await asyncio.sleep(POLL_S)


async def delete_queues(amqp_url: str, queues: Iterable[str]) -> None:
    await asyncio.to_thread(_delete, amqp_url, list(queues))


def _consumers(amqp_url: str, queue: str) -> int:
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        try:
            return int(connection.channel().queue_declare(queue, passive=True).method.consumer_count)
        except AMQPError:  # it does not exist yet
            return 0


def _delete(amqp_url: str, queues: list[str]) -> None:
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        for queue in queues:
            channel.queue_delete(queue)
