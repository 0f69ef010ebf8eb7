"""What is known of the publishes on one channel: tags are counted, confirms swept by range, returns matched by id."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from warren.broker.port import Outgoing
from warren.broker.rabbit import wire
from warren.broker.rabbit.line import Line

WINDOW: Final = 2_000
"""Messages that may be unconfirmed on a channel; more make a broker no faster, and cost memory on both sides."""
METHODS_KEPT: Final = 1_000
REFUSED: Final = "the broker refused it (a nack: its queue is full, or something is wrong inside the broker)"

Address = tuple[str, str, str]
"""Message id, exchange, routing key."""


@dataclass(slots=True, eq=False)
class Chunk:
    """Messages that leave in one write; `done` when the broker has spoken about all, or never will."""

    first: int
    positions: list[int]
    done: asyncio.Future[None]
    left: int = 0
    unroutable: dict[int, str] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    unwritable: dict[int, str] = field(default_factory=dict)

    def settle(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.finish()

    def finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def position(self, tag: int) -> int:
        return self.positions[tag - self.first]


class Confirms:
    """The sink of a publishing channel."""

    def __init__(self, prefix: str) -> None:
        self.lost: Exception | None = None
        """Why the channel is gone."""
        self.is_doubtful = False
        """Whether the broker refused a message on this channel: it may go on to, for reasons that are long gone."""
        self._prefix = prefix
        self._next = 1
        self._lowest = 1
        self._pending: dict[int, Chunk] = {}
        self._given_ids: dict[int, Address] = {}
        self._tags: dict[Address, list[int]] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._methods: dict[tuple[str, str, bool], bytes] = {}
        self._returned: wire.Return | None = None

    async def room(self, count: int) -> None:
        """Wait until that many messages fit into the window, or the channel is gone."""
        while self.lost is None and self._pending and len(self._pending) + count > WINDOW:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def send(self, line: Line, channel: int, batch: Sequence[Outgoing], positions: Sequence[int]) -> Chunk:
        """Write messages in one go. One that cannot be written stays here, and the others leave."""
        chunk = Chunk(self._next, [], asyncio.get_running_loop().create_future())
        frames: list[bytes] = []
        for position in positions:
            try:
                frames.extend(self._frames(channel, batch[position], line.frame_max))
            except (ValueError, TypeError, OverflowError) as error:
                chunk.unwritable[position] = f"it cannot be written as AMQP: {error}"
                continue
            self._register(chunk, position, batch[position])
        line.write(b"".join(frames))
        if not chunk.left:
            chunk.finish()
        return chunk

    def unsettled(self, chunk: Chunk) -> list[int]:
        """The positions of which the broker has not spoken."""
        tags = range(chunk.first, chunk.first + len(chunk.positions)) if chunk.left else ()
        return [chunk.position(tag) for tag in tags if tag in self._pending]

    def take(self, kind: int, payload: bytes) -> bool:
        if kind != wire.METHOD:
            return self._take_content(kind, payload)
        method = wire.METHOD_ID.unpack_from(payload)
        if method == wire.ACK:
            self._confirm(wire.read_confirm(payload), refused=False)
        elif method == wire.NACK:
            self._confirm(wire.read_confirm(payload), refused=True)
        elif method == wire.RETURN:
            self._returned = wire.read_return(payload)
        else:
            return False
        return True

    def lose(self, reason: Exception) -> None:
        """End the wait of everybody; what is unsettled stays so."""
        if self.lost is None:
            self.lost = reason
            for chunk in set(self._pending.values()):
                chunk.finish()
            self._wake()

    def _frames(self, channel: int, message: Outgoing, frame_max: int) -> list[bytes]:
        key = (message.exchange, message.routing_key, message.mandatory)
        method = self._methods.get(key)
        if method is None:
            if len(self._methods) >= METHODS_KEPT:
                self._methods.clear()
            method = self._methods[key] = wire.publish_method(channel, message)
        message_id = message.properties.message_id or f"{self._prefix}{self._next:x}"
        return [method, *wire.content(channel, message, message_id, frame_max)]

    def _register(self, chunk: Chunk, position: int, message: Outgoing) -> None:
        chunk.positions.append(position)
        chunk.left += 1
        self._pending[self._next] = chunk
        if message.properties.message_id is not None:
            address = (message.properties.message_id, message.exchange, message.routing_key)
            self._given_ids[self._next] = address
            self._tags.setdefault(address, []).append(self._next)
        self._next += 1

    def _confirm(self, confirm: wire.Confirm, *, refused: bool) -> None:
        first = self._lowest if confirm.multiple else confirm.tag
        for tag in range(first, confirm.tag + 1):
            if (chunk := self._pending.pop(tag, None)) is not None:
                if refused:
                    self.is_doubtful = True
                    chunk.refused[chunk.position(tag)] = REFUSED
                chunk.settle()
                if self._given_ids:
                    self._forget_id(tag)
        if confirm.multiple:
            self._lowest = max(self._lowest, confirm.tag + 1)
        self._wake()

    def _forget_id(self, tag: int) -> None:
        address = self._given_ids.pop(tag, None)
        if address is not None and (tags := self._tags.get(address)) is not None:
            if tag in tags:
                tags.remove(tag)
            if not tags:
                del self._tags[address]

    def _take_content(self, kind: int, payload: bytes) -> bool:
        """The content of a returned message, of which only the id is of use."""
        if kind == wire.HEADER and self._returned is not None:
            _, properties = wire.read_content_header(payload)
            self._mark_unroutable(properties.message_id or "", self._returned)
            self._returned = None
        return True

    def _mark_unroutable(self, message_id: str, returned: wire.Return) -> None:
        tag = self._tag_of(message_id, returned)
        if tag is not None and (chunk := self._pending.get(tag)) is not None:
            chunk.unroutable[chunk.position(tag)] = (
                f"exchange {returned.exchange!r} has no queue for key {returned.routing_key!r} ({returned.reason})"
            )

    def _tag_of(self, message_id: str, returned: wire.Return) -> int | None:
        """The broker returns messages in the order in which it got them, so the oldest of an id is meant."""
        if tags := self._tags.get((message_id, returned.exchange, returned.routing_key)):
            return tags.pop(0)
        return int(message_id.removeprefix(self._prefix), 16) if message_id.startswith(self._prefix) else None

    def _wake(self) -> None:
        while self._waiters and (self.lost is not None or len(self._pending) < WINDOW):
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
