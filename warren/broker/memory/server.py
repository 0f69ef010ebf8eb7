"""The broker itself, in this process's memory: all that several connections share."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Self

from topology.declaration import Argument, Binding, Exchange, Queue, Topology
from warren.broker.memory.agenda import Agenda
from warren.broker.memory.letters import DeadLetters
from warren.broker.memory.mailbox import Mailbox
from warren.broker.memory.message import Message
from warren.broker.memory.queue import MemoryQueue
from warren.broker.memory.routing import DEFAULT_EXCHANGE, RoutingTable
from warren.broker.memory.rules import CLASSIC, STREAM, read_rules
from warren.broker.memory.stream import MemoryStream
from warren.broker.port import Outgoing, Properties
from warren.clock import Clock
from warren.errors import QueueMissing, TopologyMismatch

MOST_CACHED_ROUTES: Final = 10_000
MAX_MESSAGE_BYTES: Final = 128 * 1024 * 1024
"""As RabbitMQ before 4.0; since then it takes 16 MiB, unless it is configured otherwise."""


@dataclass(slots=True)
class Refusals:
    """Positions in a published batch: what no queue was found for, and what a full queue would not take.

    `impossible` says of some of the refused why they never will be taken.
    """

    unroutable: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    impossible: dict[int, str] = field(default_factory=dict)


class MemoryServer:
    """One vhost, kept in memory. Connect to it with any number of `MemoryBroker(server)`.

    It does what RabbitMQ does with topic and fanout exchanges, classic and quorum queues and streams, and runs on the
    clock it is given. On a virtual clock everything it does is decided by the order of the calls alone. An `async
    with` around it lets time-outs happen while everybody waits; all other work needs no task.
    """

    def __init__(self, clock: Clock, *, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._max_message_bytes = max_message_bytes
        self._agenda = Agenda(clock)
        self._table = RoutingTable()
        self._mailboxes: dict[str, Mailbox] = {}
        self._routes: dict[tuple[str, str], tuple[Mailbox, ...]] = {}
        self._letters = DeadLetters(self._mailboxes_for, self._agenda)
        self._message_ids = itertools.count(1)
        self._inbox_names = itertools.count(1)
        self._lifetime = AsyncExitStack()

    async def __aenter__(self) -> Self:
        group = await self._lifetime.enter_async_context(asyncio.TaskGroup())
        watch = group.create_task(self._agenda.run())
        self._lifetime.callback(watch.cancel)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._lifetime.aclose()

    def catch_up(self) -> float:
        """Let everything happen that is due by now, and return the time in Unix seconds."""
        return self._agenda.catch_up()

    def declare(self, topology: Topology) -> None:
        """Make what is missing. Raises TopologyMismatch; what stands before the offending part is made."""
        self.catch_up()
        self._routes.clear()
        for exchange in topology.exchanges:
            self._declare_exchange(exchange)
        for queue in topology.queues:
            self._declare_queue(queue)
        for binding in topology.bindings:
            self._bind(binding)

    def publish(self, batch: Sequence[Outgoing]) -> Refusals:
        """Put every message where it belongs."""
        moment = self.catch_up()
        refusals = Refusals()
        for position, outgoing in enumerate(batch):
            if len(outgoing.body) > self._max_message_bytes:
                refusals.refused.append(position)
                refusals.impossible[position] = self._too_large(outgoing)
                continue
            mailboxes = self._mailboxes_for(outgoing.exchange, outgoing.routing_key)
            if mailboxes:
                if not self._place(outgoing, mailboxes, moment):
                    refusals.refused.append(position)
            elif outgoing.mandatory or not self.has_exchange(outgoing.exchange):
                refusals.unroutable.append(position)
        return refusals

    def _too_large(self, outgoing: Outgoing) -> str:
        size = len(outgoing.body)
        return f"message size {size} is larger than configured max size {self._max_message_bytes}"

    def has_exchange(self, name: str) -> bool:
        return name == DEFAULT_EXCHANGE or self._table.exchange(name) is not None

    def mailbox(self, queue: str) -> Mailbox:
        """Raises QueueMissing."""
        mailbox = self._mailboxes.get(queue)
        if mailbox is None:
            raise QueueMissing(
                f"queue {queue!r} does not exist; `warren topology declare` makes what cluster.yaml asks for"
            )
        return mailbox

    def make_inbox(self, routes: Sequence[tuple[str, str]]) -> str:
        """A new queue for one connection, bound by (exchange, routing key). Returns its name."""
        name = f"inbox.{next(self._inbox_names)}"
        queue = Queue(name, MappingProxyType({"x-queue-type": CLASSIC}))
        bindings = tuple(Binding(exchange, name, key) for exchange, key in routes)
        try:
            self.declare(Topology(queues=(queue,), bindings=bindings))
        except TopologyMismatch:
            self.delete_queue(name)
            raise
        return name

    def delete_queue(self, queue: str) -> None:
        """Remove a queue with what is in it and the routes to it."""
        self.catch_up()
        self._mailboxes.pop(queue, None)
        self._table.forget_queue(queue)
        self._routes.clear()

    def _place(self, outgoing: Outgoing, mailboxes: Sequence[Mailbox], moment: float) -> bool:
        """Whether every queue took it. It stays in those that did, as in RabbitMQ."""
        properties = self._with_id(outgoing.properties)
        taken = True
        for mailbox in mailboxes:
            message = Message(outgoing.exchange, outgoing.routing_key, outgoing.body, properties)
            taken = mailbox.put(message, moment) and taken
        return taken

    def _with_id(self, properties: Properties) -> Properties:
        if properties.message_id is not None:
            return properties
        return replace(properties, message_id=f"memory-{next(self._message_ids)}")

    def _mailboxes_for(self, exchange: str, key: str) -> tuple[Mailbox, ...]:
        route = (exchange, key)
        found = self._routes.get(route)
        if found is None:
            if len(self._routes) >= MOST_CACHED_ROUTES:
                self._routes.clear()
            names = self._table.queues(exchange, key)
            found = self._routes[route] = tuple(self._mailboxes[name] for name in names if name in self._mailboxes)
        return found

    def _declare_exchange(self, exchange: Exchange) -> None:
        present = self._table.exchange(exchange.name)
        if present is None:
            self._table.add(exchange)
        elif present.kind != exchange.kind:
            raise TopologyMismatch(
                f"exchange {exchange.name!r} is of kind {present.kind} in the broker, the declaration says "
                f"{exchange.kind}; delete it there or declare it as it is"
            )
        else:
            _compare(f"exchange {exchange.name!r}", present.arguments, exchange.arguments)

    def _declare_queue(self, queue: Queue) -> None:
        present = self._mailboxes.get(queue.name)
        if present is not None:
            _compare(f"queue {queue.name!r}", present.declaration.arguments, queue.arguments)
            return
        rules = read_rules(queue)
        if rules.kind == STREAM:
            self._mailboxes[queue.name] = MemoryStream(queue, rules)
        else:
            self._mailboxes[queue.name] = MemoryQueue(queue, rules, self._agenda, self._letters.bury)

    def _bind(self, binding: Binding) -> None:
        if self._table.exchange(binding.source) is None:
            raise TopologyMismatch(f"cannot bind to exchange {binding.source!r}: it does not exist; declare it first")
        if binding.destination_kind == "queue":
            self.mailbox(binding.destination)
        elif self._table.exchange(binding.destination) is None:
            raise TopologyMismatch(f"cannot bind exchange {binding.destination!r}: it does not exist; declare it first")
        self._table.bind(binding)


def _compare(what: str, present: Mapping[str, Argument], wanted: Mapping[str, Argument]) -> None:
    """Raises TopologyMismatch with every argument that differs."""
    differing = [
        f"{name} is {_in_words(present, name)} in the broker, the declaration says {_in_words(wanted, name)}"
        for name in sorted(present.keys() | wanted.keys())
        if present.get(name) != wanted.get(name)
    ]
    if differing:
        raise TopologyMismatch(f"{what}: {'; '.join(differing)}; delete it there or declare it as it is")


def _in_words(arguments: Mapping[str, Argument], name: str) -> str:
    return repr(arguments[name]) if name in arguments else "not set"
