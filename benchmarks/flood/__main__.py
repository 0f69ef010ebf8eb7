"""`python -m benchmarks.flood --projects 200000 results.json`: publish them all at once, wait for all of them.

Broker, ledger (SQLite) and cluster are started for the run, on loopback, and ended with it. With `--stop-after` the
cluster is stopped in the middle; then each project must be in the ledger or wait in its queue. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sqlite3
import time
from contextlib import AsyncExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from benchmarks.flood.memory import Memory, watched_memory
from topology import build, load_cluster
from topology.names import INGRESS, PROJECTS_QUEUE, REPLIES, project_key
from warren.broker.port import Outgoing, Properties, Subscription, Verdict
from warren.broker.rabbit.broker import RabbitBroker
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


async def run(count: int, open_projects: int, stop_after_s: float | None) -> dict[str, Any]:
    """The figures of one flood."""
    flood = Flood(count)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="warren-flood-", ignore_cleanup_errors=True)))
        for name in ("cluster.yaml", "one.yaml"):
            shutil.copy(HERE / name, folder)
        with (folder / "cluster.yaml").open("a") as file:
            file.write(f"limits: {{open_projects: {open_projects}}}\n")
        amqp_url = stack.enter_context(keep("rabbit"))["amqp_url"]
        broker = await stack.enter_async_context(RabbitBroker(amqp_url, name="flood"))
        async with RealCluster(folder / "cluster.yaml", amqp_url) as cluster:
            await cluster.ready()
            found = await flooded(flood, broker, cluster, stop_after_s)
        return {**found, "open_projects_limit": open_projects, "checks": await checks(flood, broker, folder)}


async def flooded(
    flood: Flood, broker: RabbitBroker, cluster: RealCluster, stop_after_s: float | None
) -> dict[str, Any]:
    begun = time.perf_counter()
    async with (
        watched_memory(cluster.pids, flood.progress) as memory,
        broker.inbox([(REPLIES, KEY)], prefetch=2000) as inbox,
        asyncio.TaskGroup() as group,
    ):
        listening = group.create_task(flood.listen(inbox))
        published_s = await flood.publish(broker)
        await asyncio.wait([listening], timeout=stop_after_s)
        took_s = time.perf_counter() - begun
        listening.cancel()
    return figures(flood, memory, published_s, took_s)


def figures(flood: Flood, memory: Memory, published_s: float, took_s: float) -> dict[str, Any]:
    count = len(flood.ids)
    return {
        "projects": count,
        "published_s": round(published_s, 2),
        "published_per_s": round(count / published_s),
        "took_s": round(took_s, 2),
        "finished": len(flood.finished),
        "projects_per_s": round(len(flood.finished) / took_s),
        "refused": len(flood.refused),
        "most_open_heard": max((each["accepted"] - each["finished"] for each in memory.samples), default=0),
        "rss_mib_at_start": memory.first,
        "rss_mib_peak": memory.peak,
        "samples": memory.some(),
    }


async def checks(flood: Flood, broker: RabbitBroker, folder: Path) -> dict[str, Any]:
    """When all processes have ended: each project is in the ledger or waits in its queue, and nowhere twice."""
    left = {}
    for queue in build(load_cluster(folder / "cluster.yaml")).queues:
        if queue.arguments.get("x-queue-type") != "stream" and (depth := await broker.depth(queue.name)).messages:
            left[queue.name] = depth.messages
    accepted, ended, size_bytes = in_ledger(folder / "ledger.sqlite3")
    return {
        "in_the_ledger": accepted,
        "ended_in_the_ledger": ended,
        "left_in_queues": left,
        "lost": len(flood.ids) - accepted - left.get(PROJECTS_QUEUE, 0) - len(flood.refused),
        "ledger_bytes_per_project": round(size_bytes / max(1, accepted)),
    }


def in_ledger(file: Path) -> tuple[int, int, int]:
    """(projects, those that have ended, bytes)."""
    with closing(sqlite3.connect(file)) as ledger:
        query = "SELECT count(*), coalesce(sum(status <> 'open'), 0) FROM tasks WHERE kind = 'project'"
        accepted, ended = ledger.execute(query).fetchone()
    return accepted, ended, file.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flood", description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--projects", type=int, default=20_000)
    parser.add_argument("--open-projects", type=int, default=10_000)
    parser.add_argument("--stop-after", type=float, help="seconds after the last publish; default: when all have ended")
    given = parser.parse_args()
    found = asyncio.run(run(given.projects, given.open_projects, given.stop_after))
    given.output.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps({name: value for name, value in found.items() if name != "samples"}, indent=1))


if __name__ == "__main__":
    main()
