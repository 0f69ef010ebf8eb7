"""`python -m benchmarks.peers.raw_aio_pika_worker`: takes a task, publishes its result, then acknowledges."""

from __future__ import annotations

import asyncio
import json

import uvloop
from aio_pika.abc import AbstractIncomingMessage

from benchmarks.peers.raw_aio_pika_queues import RawQueues, RawSettings, raw_queues


async def main() -> None:
    async with raw_queues(RawSettings.from_arguments()) as queues:
        await _work(queues)


async def _work(queues: RawQueues) -> None:
    async def on_task(message: AbstractIncomingMessage) -> None:
        async with message.process():
            task = json.loads(message.body)
            result = {"id": task["id"], "outcome": "succeeded", "output": task["input"]}
            await queues.publish(queues.results, json.dumps(result).encode())

    await queues.tasks.consume(on_task)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
