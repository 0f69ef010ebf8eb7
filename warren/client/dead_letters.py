"""Looks through a dead-letter queue, and takes letters out of it.

A broker has no way to look into a queue without taking: so letters are taken, and given back on leaving, each to its
place. While somebody looks, others see those that are left.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from topology.names import INGRESS, dead_queue
from warren.broker.port import Broker, Outgoing, Subscription, Verdict
from warren.client.letter import Letter, read_letter
from warren.errors import InvalidInput
from warren.messages.codec import to_json
from warren.messages.message import JsonObject
from warren.messages.project import Project

PAGE: Final = 100
LIMIT: Final = 1_000
"""Letters that are held at a time."""
MOST: Final = 65_535
"""More than that many a broker does not hand out to one consumer."""
QUIET_S: Final = 2.0
"""After that long without a letter, others have taken what was counted."""


class DeadLetters:
    """One queue's letters, as far as they fit within the limit: `in_queue` says how many there were."""

    def __init__(self, broker: Broker, subscription: Subscription, owner: str, in_queue: int, limit: int) -> None:
        self.owner = owner
        self.in_queue = in_queue
        self._broker = broker
        self._subscription = subscription
        self._limit = limit

    async def read(self) -> AsyncIterator[Letter]:
        """The oldest first. Whoever drops a letter's reference frees its memory; it stays taken nevertheless."""
        number, wanted = 0, min(self.in_queue, self._limit)
        while number < wanted:
            try:
                async with asyncio.timeout(QUIET_S):
                    batch = await self._subscription.receive(min(PAGE, wanted - number))
            except TimeoutError:
                return
            for delivery in batch:
                number += 1
                yield read_letter(delivery, self.owner, number)

    async def remove(self, letters: Iterable[Letter]) -> None:
        """Take these out for good."""
        await self._subscription.settle([(letter.delivery, Verdict.ACK) for letter in letters])

    async def submit_again(self, letter: Letter, data: JsonObject | None = None) -> None:
        """Hand a project in once more that was refused, with another input if one is given, and take its letter out.

        Doing so twice hands in one project. Raises InvalidInput for a letter that is no project.
        """
        body = _with_input(letter, data)
        before = letter.delivery.properties
        told = before.reply_to if before.reply_to and before.reply_to.startswith("reply.") else None
        properties = replace(
            before,
            type=Project.TYPE if before.type == Project.TYPE else None,
            message_id=hashlib.sha256(body + str(letter.died_s).encode()).hexdigest(),
            reply_to=told,
            expiration_ms=None,
            user_id=None,
            headers={},
        )
        await self._broker.publish([Outgoing(INGRESS, letter.routing_key, body, properties)])
        await self.remove([letter])


@asynccontextmanager
async def dead_letters(broker: Broker, owner: str, limit: int = LIMIT) -> AsyncIterator[DeadLetters]:
    """The dead letters of a team, or of the director. Raises QueueMissing."""
    queue = dead_queue(owner)
    in_queue = (await broker.depth(queue)).messages
    async with broker.subscribe(queue, prefetch=max(1, min(in_queue, limit, MOST))) as subscription:
        yield DeadLetters(broker, subscription, owner, in_queue, limit)


def _with_input(letter: Letter, data: JsonObject | None) -> bytes:
    if letter.kind != "project":
        raise InvalidInput("not_replayable", "it is neither a task nor an assignment nor a project; it can be dropped")
    if data is None:
        return letter.delivery.body
    content = letter.content()
    if not isinstance(content, dict):
        raise InvalidInput("not_replayable", "it is no JSON object, so that no input can be put into it")
    return to_json({**content, "input": data}).encode()
