"""`python -m benchmarks.peers.raw_aio_pika_client`: publishes tasks in gathered windows, takes results."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from itertools import count

import uvloop
from aio_pika.abc import AbstractIncomingMessage

from benchmarks.driver import serve_async
from benchmarks.peers.raw_aio_pika_queues import RawQueues, RawSettings, raw_queues

WINDOW = 1000


class RawClient:
    """One run after the other; results of a run carry its number."""

    def __init__(self, queues: RawQueues) -> None:
        self._queues = queues
        self._runs = count()
        self._run = -1
        self._indices: list[int] = []
        self._expected = 0
        self._complete = asyncio.Event()

    async def fan_out(self, tasks: int) -> Collection[int]:
        self._run, self._indices, self._expected = next(self._runs), [], tasks
        self._complete.clear()
        for first in range(0, tasks, WINDOW):
            await asyncio.gather(*(self._submit(index) for index in range(first, min(first + WINDOW, tasks))))
        await self._complete.wait()
        return self._indices

    async def on_result(self, message: AbstractIncomingMessage) -> None:
        async with message.process():
            output = json.loads(message.body)["output"]
            if output["run"] == self._run:
                self._indices.append(output["index"])
        if len(self._indices) >= self._expected:
            self._complete.set()

    async def _submit(self, index: int) -> None:
        task = {"id": f"{self._run}/{index}", "skill": "noop", "input": {"run": self._run, "index": index}}
        await self._queues.publish(self._queues.tasks, json.dumps(task).encode())


async def main() -> None:
    async with raw_queues(RawSettings.from_arguments()) as queues:
        client = RawClient(queues)
        await queues.results.consume(client.on_result)
        await serve_async(client.fan_out)


if __name__ == "__main__":
    uvloop.run(main())
