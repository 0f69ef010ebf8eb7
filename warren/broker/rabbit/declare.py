"""Declaring a topology, looking into queues, and making inboxes: what needs no speed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from aiormq.abc import AbstractChannel

from topology.declaration import Binding, Exchange, Queue, Topology
from warren.broker.port import QueueDepth
from warren.broker.rabbit.connection import RecoveringConnection
from warren.broker.rabbit.line import RPC_TIMEOUT_S, ChannelRefused, Line, LineLost, translated
from warren.errors import BrokerUnavailable, QueueMissing, TopologyMismatch

Result = TypeVar("Result")
Action = Callable[[AbstractChannel], Awaitable[Any]]

NOT_FOUND: Final = 404
INEQUIVALENT: Final = re.compile(
    r"inequivalent arg '(?P<argument>[^']+)' for (?P<kind>\w+) '(?P<name>.*?)' in vhost '.*?': "
    r"received (?P<wanted>.*?) but current is (?P<held>.*)",
    re.DOTALL,
)
VALUE: Final = re.compile(r"^(?:the value )?'(?P<value>.*?)'(?: of type '\w+')?$", re.DOTALL)


class Declarer:
    """Works on one channel of the control connection, which is opened again after the broker closed it."""

    def __init__(self, connection: RecoveringConnection, *, timeout_s: float) -> None:
        self._connection = connection
        self._timeout_s = timeout_s
        self._channel: AbstractChannel | None = None
        self._lock = asyncio.Lock()

    async def declare(self, topology: Topology) -> None:
        """Declare everything that can be. Raises TopologyMismatch that names everything that could not."""
        complaints: list[str] = []
        for subject, action in _declarations(topology):
            try:
                await self._do(action)
            except ChannelRefused as refusal:
                complaints.append(in_words(subject, str(refusal)))
        if complaints:
            raise TopologyMismatch("; ".join(complaints))

    async def depth(self, queue: str) -> QueueDepth:
        """Raises QueueMissing."""
        try:
            answer = await self._do(lambda channel: channel.queue_declare(queue, passive=True, timeout=RPC_TIMEOUT_S))
        except ChannelRefused as refusal:
            raise refusal_of_queue(queue, refusal) from refusal
        return QueueDepth(int(answer.message_count), int(answer.consumer_count))

    async def delete_queue(self, queue: str) -> None:
        """With all that it holds. One that is not there is no mistake."""
        await self._removed(f"queue {queue!r}", lambda channel: channel.queue_delete(queue, timeout=RPC_TIMEOUT_S))

    async def unbind(self, binding: Binding) -> None:
        """One that is not there is no mistake."""
        await self._removed(f"the binding of {binding.destination!r}", partial(_unbind, binding))

    async def _removed(self, subject: str, action: Action) -> None:
        try:
            await self._do(action)
        except ChannelRefused as refusal:
            raise BrokerUnavailable(f"{subject} cannot be taken away: {refusal}") from refusal

    async def _do(self, action: Action) -> Any:
        """Raises ChannelRefused, or BrokerUnavailable when no connection could be had in time."""
        async with self._lock:
            return await self._connection.restore(partial(self._do_on, action), limit_s=self._timeout_s)

    async def _do_on(self, action: Action, line: Line) -> Any:
        if self._channel is None or self._channel.is_closed:
            self._channel = await line.open_channel()
        try:
            with translated():
                return await action(self._channel)
        except (ChannelRefused, LineLost):
            self._channel = None
            raise


def _declarations(topology: Topology) -> Iterator[tuple[str, Action]]:
    for exchange in topology.exchanges:
        yield f"exchange {exchange.name!r}", partial(_declare_exchange, exchange)
    for queue in topology.queues:
        yield f"queue {queue.name!r}", partial(_declare_queue, queue)
    for binding in topology.bindings:
        subject = f"binding of {binding.destination!r} to {binding.source!r} by {binding.routing_key!r}"
        yield subject, partial(_bind, binding)


async def _declare_exchange(exchange: Exchange, channel: AbstractChannel) -> None:
    await channel.exchange_declare(
        exchange.name,
        exchange_type=exchange.kind,
        durable=True,
        arguments=dict(exchange.arguments),
        timeout=RPC_TIMEOUT_S,
    )


async def _declare_queue(queue: Queue, channel: AbstractChannel) -> None:
    await channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments), timeout=RPC_TIMEOUT_S)


async def _bind(binding: Binding, channel: AbstractChannel) -> None:
    bind = channel.queue_bind if binding.destination_kind == "queue" else channel.exchange_bind
    await bind(binding.destination, binding.source, binding.routing_key, timeout=RPC_TIMEOUT_S)


async def _unbind(binding: Binding, channel: AbstractChannel) -> None:
    unbind = channel.queue_unbind if binding.destination_kind == "queue" else channel.exchange_unbind
    await unbind(binding.destination, binding.source, binding.routing_key, timeout=RPC_TIMEOUT_S)


async def existing_queue(queue: str, _: AbstractChannel) -> str:
    """The source of a plain subscription."""
    return queue


async def new_inbox(routes: Sequence[tuple[str, str]], channel: AbstractChannel) -> str:
    """A queue for this connection alone, named by the broker and gone with its consumer."""
    made = await channel.queue_declare(
        "", exclusive=True, auto_delete=True, arguments={"x-queue-type": "classic"}, timeout=RPC_TIMEOUT_S
    )
    for exchange, routing_key in routes:
        await channel.queue_bind(str(made.queue), exchange, routing_key, timeout=RPC_TIMEOUT_S)
    return str(made.queue)


def refusal_of_queue(queue: str, refusal: ChannelRefused) -> QueueMissing | BrokerUnavailable:
    if refusal.code == NOT_FOUND:
        return QueueMissing(
            f"queue {queue!r} does not exist; `warren topology declare` makes what cluster.yaml asks for"
        )
    return BrokerUnavailable(f"queue {queue!r} cannot be used: {refusal}")


def in_words(subject: str, refusal: str) -> str:
    """The broker's complaint about a declaration, as a sentence that says what differs."""
    found = INEQUIVALENT.search(refusal)
    if found is None:
        return f"{subject} cannot be declared: {refusal}"
    held, wanted = _value(found["held"]), _value(found["wanted"])
    return f"{found['kind']} {found['name']!r} exists with {found['argument']} {held}, but {wanted} is wanted"


def _value(text: str) -> str:
    found = VALUE.match(text.strip())
    return found["value"] if found is not None else text.strip()
