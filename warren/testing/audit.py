"""Reads a ledger and says which promises were not kept: nothing lost, no effect doubled, nothing left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from warren.ids import is_within
from warren.ledger.ledger import Ledger
from warren.ledger.rebuild import rebuild
from warren.ledger.schema import events, nodes, tasks
from warren.ledger.transaction import Transaction
from warren.messages.codec import from_json
from warren.messages.message import JsonObject


@dataclass(frozen=True, slots=True)
class Books:
    """All of a ledger: rows of tasks by id and of nodes by path, and every event as (type, subject, data)."""

    tasks: dict[str, Any]
    nodes: dict[str, Any]
    events: Sequence[tuple[str, str, JsonObject]]

    def times(self, kind: str) -> Counter[str]:
        """How often events of this type speak of each task."""
        return Counter(row["id"] for name, _, data in self.events if name == kind for row in data["tasks"])


async def books(ledger: Ledger) -> Books:
    """Read everything, as of one moment."""
    return await ledger.read(_read)


async def audit(ledger: Ledger) -> list[str]:
    """Every promise that was not kept, in words. For a ledger whose projects have all come to their end."""
    found = await books(ledger)
    report = await rebuild(ledger)
    return [*unfinished(found), *doubled(found), *(f"rebuild: {difference}" for difference in report.differences)]


def unfinished(found: Books) -> Iterator[str]:
    """What is still open, or was not told to whoever waits for it."""
    yield from (f"{row.id} is open" for row in found.tasks.values() if row.status == "open")
    yield from (f"node {row.path} is open" for row in found.nodes.values() if row.status == "open")
    ended = [row for row in found.tasks.values() if row.kind != "task" and row.status != "open"]
    yield from (f"{row.id} is not reported" for row in ended if row.reported_at is None)


def doubled(found: Books) -> Iterator[str]:
    """What happened twice, without its cause, or after its end. What a replay opens again may end again."""
    yield from _settled_twice(found)
    yield from (f"{count} times planned: {task}" for task, count in found.times("tasks.planned").items() if count > 1)
    counts = Counter(subject for name, subject, _ in found.events if name == "project.accepted")
    yield from (f"{count} times accepted: {subject}" for subject, count in counts.items() if count > 1)
    yield from _started_twice(found)
    yield from _uncaused(found)
    yield from _planned_under_tombstones(found)


def _settled_twice(found: Books) -> Iterator[str]:
    settled: set[str] = set()
    for name, _, data in found.events:
        if name == "tasks.reopened":
            settled.difference_update(row["id"] for row in data["tasks"])
        if name == "tasks.settled":
            ids = [row["id"] for row in data["tasks"]]
            yield from (f"{each} was settled twice" for each in ids if each in settled)
            settled.update(ids)


def _started_twice(found: Books) -> Iterator[str]:
    started: set[str] = set()
    for name, subject, data in found.events:
        if name == "tasks.reopened":
            started.difference_update(row["id"] for row in data["tasks"])
        if name == "plan.started":
            if subject in started:
                yield f"the plan of {subject} was started twice"
            started.add(subject)


def _uncaused(found: Books) -> Iterator[str]:
    settled, planned = found.times("tasks.settled"), found.times("tasks.planned")
    for row in found.tasks.values():
        if row.kind == "project" and planned[row.id]:
            yield f"project {row.id} was planned"
        if row.kind != "project" and not planned[row.id]:
            yield f"{row.id} was never planned"
        if (row.status == "succeeded" or (row.kind == "project" and row.status != "open")) and not settled[row.id]:
            yield f"{row.id} has {row.status} without anybody saying so"


def _planned_under_tombstones(found: Books) -> Iterator[str]:
    stopped: list[str] = []
    for name, subject, data in found.events:
        if name == "subtree.stopped":
            stopped.append(subject)
        if name == "tasks.reopened":
            opened = {*data["nodes"], *(row["id"] for row in data["tasks"])}
            stopped = [path for path in stopped if path not in opened]
        if name == "tasks.planned" and stopped:
            for row in data["tasks"]:
                above = [path for path in stopped if is_within(row["id"], path)]
                yield from (f"{row['id']} was planned although {path} had ended" for path in above)


def _read(transaction: Transaction) -> Books:
    run = transaction.connection.execute
    history = run(events.select().order_by(events.c.seq))
    return Books(
        {row.id: row for row in run(tasks.select())},
        {row.path: row for row in run(nodes.select())},
        [(row.type, row.subject, from_json(row.data)) for row in history],
    )
