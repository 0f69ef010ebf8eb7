"""`python -m benchmarks.flood --projects 200000 results.json`: publish them all at once, wait for all of them.

Broker, ledger (SQLite) and cluster are started for the run, on loopback, and ended with it. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import time
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from benchmarks.flood.memory import Memory, watched_memory
from topology import build, load_cluster
from topology.names import INGRESS, REPLIES, project_key
from warren.broker.port import Outgoing, Properties, Subscription, Verdict
from warren.broker.rabbit.broker import RabbitBroker
from warren.ledger.ledger import open_ledger
from warren.messages.codec import from_json
from warren.testing.cluster import RealCluster
from warren.testing.services.keeper import keep

HERE = Path(__file__).parent
BATCH = 500
SILENCE_S = 120.0
"""Nothing heard for so long means that something is lost."""
KEY = "reply.flood"


class Flood:
    """The projects of a run, and what was heard of them."""

    def __init__(self, count: int) -> None:
        self.ids = [str(uuid4()) for _ in range(count)]
        self.published = 0
        self.accepted: set[str] = set()
        self.finished: set[str] = set()
        self.refused: list[Any] = []

    async def publish(self, broker: RabbitBroker) -> float:
        """As fast as the broker takes them, each confirmed. Returns the seconds that it took."""
        begun = time.perf_counter()
        for start in range(0, len(self.ids), BATCH):
            batch = [
                self._message(start + place, project) for place, project in enumerate(self.ids[start : start + BATCH])
            ]
            await broker.publish(batch)
            self.published += len(batch)
        return time.perf_counter() - begun

    async def listen(self, inbox: Subscription) -> None:
        """Until all have ended, or were refused."""
        while len(self.finished) + len(self.refused) < len(self.ids):
            async with asyncio.timeout(SILENCE_S):
                batch = await inbox.receive(1000)
            for delivery in batch:
                self._hear(from_json(delivery.body))
            await inbox.settle([(delivery, Verdict.ACK) for delivery in batch])

    def progress(self) -> dict[str, int]:
        return {"published": self.published, "accepted": len(self.accepted), "finished": len(self.finished)}

    def _message(self, number: int, project: str) -> Outgoing:
        body = json.dumps({"id": project, "playbook": "one", "input": {"index": number}}).encode()
        return Outgoing(INGRESS, project_key("one"), body, Properties(reply_to=KEY))

    def _hear(self, reply: dict[str, Any]) -> None:
        match reply["answer"]:
            case {"kind": "accepted"}:
                self.accepted.add(reply["project"])
            case {"kind": "finished", "outcome": {"status": "succeeded"}}:
                self.finished.add(reply["project"])
            case other:
                self.refused.append(other)


async def run(count: int, open_projects: int) -> dict[str, Any]:
    """The figures of one flood."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="warren-flood-", ignore_cleanup_errors=True)))
        for name in ("cluster.yaml", "one.yaml"):
            shutil.copy(HERE / name, folder)
        with (folder / "cluster.yaml").open("a") as file:
            file.write(f"limits: {{open_projects: {open_projects}}}\n")
        amqp_url = stack.enter_context(keep("rabbit"))["amqp_url"]
        broker = await stack.enter_async_context(RabbitBroker(amqp_url, name="flood"))
        cluster = await stack.enter_async_context(RealCluster(folder / "cluster.yaml", amqp_url))
        await cluster.ready()
        return await flooded(Flood(count), broker, cluster, open_projects)


async def flooded(flood: Flood, broker: RabbitBroker, cluster: RealCluster, open_projects: int) -> dict[str, Any]:
    begun = time.perf_counter()
    async with (
        watched_memory(cluster.pids, flood.progress) as memory,
        broker.inbox([(REPLIES, KEY)], prefetch=2000) as inbox,
        asyncio.TaskGroup() as group,
    ):
        listening = group.create_task(flood.listen(inbox))
        published_s = await flood.publish(broker)
        await listening
        took_s = time.perf_counter() - begun
    return {
        **figures(flood, memory, published_s, took_s, open_projects),
        "checks": await checks(flood, broker, cluster),
    }


def figures(flood: Flood, memory: Memory, published_s: float, took_s: float, open_projects: int) -> dict[str, Any]:
    count = len(flood.ids)
    return {
        "projects": count,
        "open_projects_limit": open_projects,
        "published_s": round(published_s, 2),
        "published_per_s": round(count / published_s),
        "took_s": round(took_s, 2),
        "projects_per_s": round(count / took_s),
        "refused": len(flood.refused),
        "most_open_heard": max((each["accepted"] - each["finished"] for each in memory.samples), default=0),
        "rss_mib_at_start": memory.first,
        "rss_mib_peak": memory.peak,
        "samples": memory.some(),
    }


async def checks(flood: Flood, broker: RabbitBroker, cluster: RealCluster) -> dict[str, Any]:
    """Whether each project is in the ledger, once, and nothing is left anywhere."""
    async with open_ledger(cluster.ledger_url) as ledger:
        still_open = await ledger.read(lambda transaction: transaction.count_open_projects())
    file = Path(cluster.ledger_url.removeprefix("sqlite:///"))
    left = {}
    for queue in build(load_cluster(file.parent / "cluster.yaml")).queues:
        if queue.arguments.get("x-queue-type") != "stream" and (depth := await broker.depth(queue.name)).messages:
            left[queue.name] = depth.messages
    return {
        "ended_and_told": len(flood.finished),
        "lost": len(flood.ids) - len(flood.finished) - len(flood.refused),
        "still_open_in_the_ledger": still_open,
        "left_in_queues": left,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flood", description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--projects", type=int, default=20_000)
    parser.add_argument("--open-projects", type=int, default=10_000)
    given = parser.parse_args()
    found = asyncio.run(run(given.projects, given.open_projects))
    given.output.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps({name: value for name, value in found.items() if name != "samples"}, indent=1))


if __name__ == "__main__":
    main()
