"""The two queues of the raw client's comparison, and how its worker and client come by them."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractQueue

PREFETCH = 100


@dataclass(frozen=True, slots=True)
class RawSettings:
    amqp_url: str
    queue: str

    @classmethod
    def from_arguments(cls) -> Self:
        parser = ArgumentParser()
        parser.add_argument("--amqp-url", required=True)
        parser.add_argument("--queue", required=True)
        return cls(**vars(parser.parse_args()))

    def arguments(self) -> list[str]:
        return ["--amqp-url", self.amqp_url, "--queue", self.queue]

    @property
    def results_queue(self) -> str:
        return f"{self.queue}.results"


@dataclass(frozen=True, slots=True)
class RawQueues:
    channel: AbstractChannel
    tasks: AbstractQueue
    results: AbstractQueue

    async def publish(self, queue: AbstractQueue, body: bytes) -> None:
        """Return when the broker has confirmed the message."""
        message = aio_pika.Message(
            body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, content_type="application/json"
        )
        await self.channel.default_exchange.publish(message, routing_key=queue.name)


@asynccontextmanager
async def raw_queues(settings: RawSettings) -> AsyncIterator[RawQueues]:
    async with await aio_pika.connect_robust(settings.amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await channel.set_qos(prefetch_count=PREFETCH)
        tasks = await channel.declare_queue(settings.queue, durable=True)
        results = await channel.declare_queue(settings.results_queue, durable=True)
        yield RawQueues(channel, tasks, results)
