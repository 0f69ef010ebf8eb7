"""`python -m benchmarks.quiet`: how soon a cancelled project is quiet, with thousands of tasks queued.

Prints, in seconds from the cancel: until the client has its answer, until the last handler at work has been cancelled
and no other has begun since, and until the work queue is empty. The broker is a private node.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.services import running_services
from topology.names import work_queue
from warren.broker.rabbit.broker import RabbitBroker
from warren.client import Client
from warren.testing.cluster import RealCluster
from warren.testing.patience import wait_until

CLUSTER: Final = "{version: 1, limits: {window: 50000}, teams: {t: {modules: [quiet_skills], skills: {nap: {}}}}}"
SKILLS: Final = """
import asyncio
import time
from pathlib import Path

from warren import skill


def note(word):
    with Path("notes").open("ab", buffering=0) as file:
        file.write(f"{word} {time.time()!r}\\n".encode())


@skill("nap", concurrency=16)
async def nap(n: int) -> dict:
    note("begun")
    try:
        await asyncio.sleep(0.1)
    finally:
        note("ended")
    return {}
"""
PATIENCE_S: Final = 120.0


def plan(tasks: int) -> dict[str, Any]:
    call = {"kind": "call", "skill": "nap", "input": {"n": "item"}}
    inner = {"kind": "map", "items": "input.items", "do": call, "window": tasks}
    return {"plan": {"kind": "delegate", "team": "t", "plan": inner}, "input": {"items": list(range(tasks))}}


def furnish(folder: Path) -> Path:
    """Where the handlers write down when they begin and end."""
    folder.mkdir()
    (folder / "cluster.yaml").write_text(CLUSTER)
    (folder / "quiet_skills.py").write_text(SKILLS)
    return folder / "notes"


async def measure(folder: Path, url: str, tasks: int) -> None:
    notes = furnish(folder)
    async with RealCluster(folder / "cluster.yaml", url) as cluster, RabbitBroker(url) as broker:
        await cluster.ready()
        async with Client(url, answer_within_s=PATIENCE_S) as client:
            handle = await client.submit(**plan(tasks))
            await wait_until(notes.exists, timeout_s=PATIENCE_S)
            _: bool = await wait_until(lambda: at_least(broker, tasks // 2), timeout_s=PATIENCE_S)
            began_s = time.time()
            await handle.cancel("measured")
            status = (await handle.outcome()).status
            answered_s = time.time() - began_s
            _ = await wait_until(lambda: is_empty(broker), timeout_s=PATIENCE_S)
            emptied_s = time.time() - began_s
        last_s = max(float(line.split()[1]) for line in notes.read_text().splitlines()) - began_s
        begun = sum(line.startswith("begun") for line in notes.read_text().splitlines())
    print(f"{tasks:,} tasks, {begun} had begun; {status}")
    print(f"the client knows after {answered_s:.2f} s, handlers are quiet after {max(last_s, 0):.2f} s, ", end="")
    print(f"the queue is empty after {emptied_s:.2f} s")


async def at_least(broker: RabbitBroker, count: int) -> bool:
    return (await broker.depth(work_queue("t", "nap"))).messages >= count


async def is_empty(broker: RabbitBroker) -> bool:
    return (await broker.depth(work_queue("t", "nap"))).messages == 0


async def main(arguments: argparse.Namespace) -> None:
    async with running_services(arguments.amqp_url, "none") as services:
        await measure(services.workdir / "quiet", services.amqp_url, arguments.tasks)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--amqp-url", help="a broker with an empty virtual host; default: a private node")
    parser.add_argument("--tasks", type=int, default=10_000)
    asyncio.run(main(parser.parse_args()))
