"""`python -m benchmarks.ladder`: how tasks that failed together come back, and how late the retry ladder is.

Prints what docs/retries.md quotes: the table, the CPU time of a wait, and the histogram. The broker is a private node
unless `--amqp-url` names one; its CPU time is told if it runs on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.services import running_services
from benchmarks.usage import cpu_of
from topology import build, parse_cluster
from topology.names import RETRY_LEVELS, RETRY_UNIT_MS, retry_key, retry_name, work_queue
from topology.retry_ladder import backoff_ms, units_for
from warren.broker.port import Outgoing, Properties, Verdict
from warren.broker.rabbit.broker import RabbitBroker

QUEUE: Final = work_queue("bench", "noop")
CLUSTER: Final = "{version: 1, profile: %s, teams: {bench: {skills: {noop: {}}}}}"
DUE: Final = "due_s"
ENTRY: Final = retry_name(RETRY_LEVELS - 1)
BATCH: Final = 500
ATTEMPT: Final = 3
BASE_S: Final = 2.0
CAP_S: Final = 300.0
AT_REST_PAUSE_S: Final = 0.1
BUCKET_S: Final = 0.25
BUCKETS_PER_LINE: Final = 8
BAR_UNIT: Final = 16
"""Messages for each block of a bar."""
FULL_LEVEL: Final = 6
"""The level for 16 s, which is filled while a short delay passes through the levels below."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message off the ladder: seconds since the start, and how late it was."""

    at_s: float
    late_s: float


def backoff_units(_: int) -> int:
    """What a policy of base 2 s waits before the fourth attempt: 4 to 8 s."""
    return units_for(backoff_ms(ATTEMPT, base_s=BASE_S, cap_s=CAP_S, draw=random.random()))


async def climb(broker: RabbitBroker, units: Sequence[int], *, pause_s: float = 0.0) -> list[Arrival]:
    """Put messages on the ladder, with a pause or as fast as they are confirmed, and wait for all of them."""
    began_s = time.time()
    async with asyncio.TaskGroup() as group:
        arriving = group.create_task(arrivals(broker, len(units), began_s))
        size = 1 if pause_s else BATCH
        for start in range(0, len(units), size):
            await broker.publish([postponed(each) for each in units[start : start + size]])
            await asyncio.sleep(pause_s)
    return arriving.result()


def postponed(units: int) -> Outgoing:
    due_s = time.time() + units * RETRY_UNIT_MS / 1000
    return Outgoing(ENTRY, retry_key(units, QUEUE), b"x" * 256, Properties(headers={DUE: repr(due_s)}))


async def arrivals(broker: RabbitBroker, count: int, began_s: float) -> list[Arrival]:
    found: list[Arrival] = []
    async with broker.subscribe(QUEUE, prefetch=1000) as subscription:
        while len(found) < count:
            batch = await subscription.receive()
            now = time.time()
            found += [Arrival(now - began_s, now - float(each.properties.headers[DUE])) for each in batch]
            await subscription.settle([(each, Verdict.ACK) for each in batch])
    return found


def lateness(name: str, found: Sequence[Arrival]) -> str:
    late_ms = sorted(1000 * each.late_s for each in found)
    middle, p99 = late_ms[len(late_ms) // 2], late_ms[int(len(late_ms) * 0.99)]
    mean = sum(late_ms) / len(late_ms)
    return f"| {name} | {mean:,.0f} | {middle:,.0f} | {p99:,.0f} | {late_ms[-1]:,.0f} |"


def histogram(found: Sequence[Arrival]) -> Iterator[str]:
    """How many came back in a quarter of a second, on average over two seconds."""
    buckets = Counter(int(each.at_s / BUCKET_S) // BUCKETS_PER_LINE for each in found)
    for line in range(min(buckets), max(buckets) + 1):
        count, from_s = buckets[line] / BUCKETS_PER_LINE, line * BUCKETS_PER_LINE * BUCKET_S
        bar = "█" * round(count / BAR_UNIT)
        yield f"    {from_s:4.0f} … {from_s + BUCKETS_PER_LINE * BUCKET_S:3.0f} s {count:5.0f}  {bar}".rstrip()


async def measure(url: str, profile: str, failures: int, processes: Mapping[str, int]) -> None:
    topology = build(parse_cluster(CLUSTER % profile, "cluster.yaml"))
    async with RabbitBroker(url, name="ladder") as broker:
        await broker.declare(topology)
        rest = await climb(broker, [random.randint(1, 16) for _ in range(200)], pause_s=AT_REST_PAUSE_S)
        before = {who: cpu_of(pid) for who, pid in processes.items()}
        burst = await climb(broker, [backoff_units(n) for n in range(failures)])
        used_s = {who: cpu_of(pid) - before[who] for who, pid in processes.items()}
        below = await past_a_full_level(broker, [retry_key(2**FULL_LEVEL, QUEUE)] * failures)
    print(f"RabbitMQ {broker.server_version}, profile {profile}, load {os.getloadavg()[0]:.1f}\n")
    print("| late by, ms | mean | median | p99 | max |\n|---|---|---|---|---|")
    print(lateness("at rest: ten a second, waits of 0.25 to 4 s", rest))
    print(lateness(f"short waits while {failures:,} messages lie in the level of 16 s", below))
    print(lateness(f"{failures:,} failures at once, waits of 4 to 8 s", burst))
    print(f"\n{rate(burst):,.0f} a second came back; CPU time for each wait of 4 to 8 s:")
    print("\n".join(f"    {1000 * used / failures:.2f} ms  {who}" for who, used in used_s.items()))
    print(f"\n{failures:,} failures at once: how many came back per quarter of a second\n")
    print("\n".join(histogram(burst)))


def rate(found: Sequence[Arrival]) -> float:
    """Messages a second between the first and the last."""
    times = [each.at_s for each in found]
    return len(times) / (max(times) - min(times))


async def past_a_full_level(broker: RabbitBroker, keys: Sequence[str]) -> list[Arrival]:
    """How short delays fare while a level above theirs is full of messages."""
    idle = Properties(headers={DUE: repr(time.time() + RETRY_UNIT_MS * 2**FULL_LEVEL / 1000)})
    for start in range(0, len(keys), BATCH):
        await broker.publish([Outgoing(ENTRY, key, b"x" * 256, idle) for key in keys[start : start + BATCH]])
    return await climb(broker, [random.randint(1, 16) for _ in range(50)], pause_s=AT_REST_PAUSE_S)


async def main(arguments: argparse.Namespace) -> None:
    async with running_services(arguments.amqp_url, "none") as services:
        broker = {role: pid for role, pid in services.processes.items() if role == "broker"}
        processes = {**broker, "this program, which publishes and receives": os.getpid()}
        await measure(services.amqp_url, arguments.profile, arguments.failures, processes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--amqp-url", help="a broker with an empty virtual host; default: a private node")
    parser.add_argument("--profile", choices=["classic", "quorum"], default="classic")
    parser.add_argument("--failures", type=int, default=10_000)
    asyncio.run(main(parser.parse_args()))
