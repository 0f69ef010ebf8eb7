"""What must hold when all is over: the promises, looked up in the ledger and the broker after a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from topology import names
from topology.build import build
from warren.broker.memory.broker import MemoryBroker
from warren.broker.port import Delivery
from warren.ids import project_of
from warren.ledger.rebuild import rebuild
from warren.messages.codec import decode, from_json
from warren.messages.message import JsonObject
from warren.messages.outcome import Succeeded
from warren.messages.task import TaskMessage
from warren.testing.audit import Books, books, doubled, unfinished
from warren.testing.simulation.behaviour import MAX_ATTEMPTS, Behaviour
from warren.testing.simulation.world import World

STREAM: Final = names.HISTORY_STREAM


async def unrest(world: World) -> list[str]:
    """What is still going on, in words."""
    found = await books(world.around.ledger)
    going = list(unfinished(found))
    going += [f"{count} messages wait in {queue}" for queue, count in (await waiting(world)).items()]
    return going + ([f"{world.in_hand()} deliveries are in hand"] if world.in_hand() else [])


async def waiting(world: World) -> dict[str, int]:
    """Messages by queue, without those that are meant to stay."""
    parking = {*_parking(world), STREAM}
    queues = [queue.name for queue in build(world.scenario.cluster).queues if queue.name not in parking]
    async with MemoryBroker(world.around.server) as broker:
        depths = {queue: (await broker.depth(queue)).messages for queue in queues}
    return {queue: depth for queue, depth in depths.items() if depth}


async def complaints(world: World) -> list[str]:
    """Every promise that was not kept, in words; none if all is well."""
    found = await books(world.around.ledger)
    letters = await _dead_letters(world)
    said = [*world.complaints, *_of_projects(world, found), *doubled(found), *_of_tasks(world, found)]
    said += [*_of_dead_letters(world, found, letters), *_of_what_was_given_up(found, letters)]
    report = await rebuild(world.around.ledger)
    return said + [f"rebuild: {difference}" for difference in report.differences]


def _of_projects(world: World, found: Books) -> Iterator[str]:
    for wanted in world.scenario.submissions:
        outcome, row = world.outcomes[wanted.id], found.tasks.get(wanted.id)
        if row is None:
            yield f"{wanted.id} was accepted and is not in the ledger"
        elif row.status != outcome.status:
            yield f"{wanted.id} is {row.status}, the client was told {outcome.status}"
        elif outcome.status not in wanted.statuses:
            yield f"{wanted.id} ended {outcome.status} instead of {sorted(wanted.statuses)}: {row.error}"
        elif isinstance(outcome, Succeeded) and wanted.is_decided and outcome.output.get("n") != wanted.output:
            yield f"{wanted.id} came to {outcome.output} instead of {wanted.output}"


def _of_tasks(world: World, found: Books) -> Iterator[str]:
    limited = {wanted.id for wanted in world.scenario.submissions if wanted.timeout_s is not None}
    for row in found.tasks.values():
        if row.kind == "task":
            given = from_json(row.input)
            yield from _of_task(row, given, behaviour_in(given), limited=project_of(row.id) in limited)
        if row.status == "succeeded" and row.kind == "task" and not world.handlers.begun[row.id]:
            yield f"{row.id} has succeeded and its handler never ran"


def _of_task(row: Any, given: JsonObject, behaviour: Behaviour, *, limited: bool) -> Iterator[str]:
    if row.status == "succeeded":
        if row.attempt != behaviour.fails + 1:
            yield f"{row.id} succeeded at attempt {row.attempt}; it fails {behaviour.fails} times"
        if from_json(row.output) != {"n": given["n"] + given["plus"]}:
            yield f"{row.id} has the output {row.output} for the input {row.input}"
    if row.status == "failed" and not limited:
        last = 1 if behaviour.how == "reject" else MAX_ATTEMPTS
        if behaviour.succeeds or row.attempt != last:
            yield f"{row.id} failed at attempt {row.attempt}, {behaviour}: {row.error}"
    if row.status == "expired" and not limited:
        yield f"{row.id} expired without a deadline"


def behaviour_in(given: JsonObject) -> Behaviour:
    """What a task's input asks for."""
    return Behaviour(given["plus"], given["ms"], given["fails"], given["how"])


def _of_dead_letters(world: World, found: Books, letters: Sequence[Delivery]) -> Iterator[str]:
    limited = {wanted.id for wanted in world.scenario.submissions if wanted.timeout_s is not None}
    for letter in letters:
        about = letter.properties.correlation_id or ""
        row = found.tasks.get(about)
        if project_of(about) in limited:
            continue
        if row is None or row.kind != "task" or behaviour_in(from_json(row.input)).succeeds:
            yield f"a dead letter in {letter.queue}: {letter.properties.headers} {letter.body[:300]!r}"


def _of_what_was_given_up(found: Books, letters: Sequence[Delivery]) -> Iterator[str]:
    """What a worker gave up can be replayed."""
    parked = {
        task.id
        for letter in letters
        if letter.properties.type == TaskMessage.TYPE
        for task in decode(TaskMessage, letter.body).tasks
    }
    for row in found.tasks.values():
        if row.kind == "task" and row.status == "failed" and row.id not in parked:
            yield f"{row.id} failed and is not among the dead letters: {row.agent} {row.error}"


async def _dead_letters(world: World) -> list[Delivery]:
    letters: list[Delivery] = []
    async with MemoryBroker(world.around.server) as broker:
        for queue in _parking(world):
            count = (await broker.depth(queue)).messages
            if count:
                async with broker.subscribe(queue, prefetch=count) as subscription:
                    letters += await subscription.receive(count)
    return letters


def _parking(world: World) -> list[str]:
    owners = [names.DIRECTOR, *world.scenario.cluster.teams]
    return [*map(names.dead_queue, owners), names.UNROUTABLE_QUEUE]
