"""`python -m benchmarks.hierarchy.client`: submits a project of so many tasks and waits for its output."""

from __future__ import annotations

import os
from collections.abc import Collection

import uvloop

from benchmarks.driver import serve_async
from warren.client import Client


async def main() -> None:
    async with Client(os.environ["WARREN_AMQP_URL"], answer_within_s=300.0) as client:

        async def fan_out(tasks: int) -> Collection[int]:
            handle = await client.submit("fan", input={"items": list(range(tasks))})
            output = await handle.result()
            return [item["index"] for item in output["items"]]

        await serve_async(fan_out)


if __name__ == "__main__":
    uvloop.run(main())
