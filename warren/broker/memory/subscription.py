"""A consumer's end of the line."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from warren.broker.memory.mailbox import Mailbox
from warren.broker.memory.message import Message
from warren.broker.memory.server import MemoryServer
from warren.broker.port import Delivery, Properties, Verdict


class MemorySubscription:
    """Messages are pushed here as they come, up to the prefetch, as RabbitMQ pushes them.

    So what lies here unread counts as delivered: it does not show in the queue's depth, nobody else gets it, and it
    comes back with `redelivered` set.
    """

    def __init__(self, server: MemoryServer, prefetch: int) -> None:
        if prefetch < 1:
            raise ValueError(f"the prefetch is {prefetch}, but must be at least 1")
        self._server = server
        self._prefetch = prefetch
        self._mailbox: Mailbox | None = None
        self._is_open = True
        self._incarnation = 0
        self._last_tag = 0
        self._unread: deque[int] = deque()
        self._unsettled: dict[int, Message] = {}
        self._stirred = asyncio.Event()

    @property
    def has_credit(self) -> bool:
        return len(self._unsettled) < self._prefetch

    def deliver(self, message: Message) -> None:
        self._last_tag += 1
        self._unsettled[self._last_tag] = message
        self._unread.append(self._last_tag)
        self._stirred.set()

    async def receive(self, limit: int = 256) -> list[Delivery]:
        await asyncio.sleep(0)  # a busy queue must not keep everybody else from running
        self._server.catch_up()
        while not self._unread and self._is_open:
            self._stirred.clear()
            await self._stirred.wait()
        return [self._hand_out(self._unread.popleft()) for _ in range(min(limit, len(self._unread)))]

    async def settle(self, verdicts: Iterable[tuple[Delivery, Verdict]]) -> None:
        moment = self._server.catch_up()
        returned: list[Message] = []
        for delivery, verdict in verdicts:
            message = self._claim(delivery.tag)
            if message is None or self._mailbox is None or verdict is Verdict.ACK:
                continue
            if verdict is Verdict.REJECT:
                self._mailbox.reject(message, moment)
            else:
                returned.append(message)
        if self._mailbox is not None:
            self._mailbox.give_back(returned, moment)

    async def cancel(self) -> None:
        self.close()

    def close(self) -> None:
        """Take no more; what was not handed out goes back."""
        if self._is_open:
            self._is_open = False
            self._leave(list(self._unread))
            self._unread.clear()
            self._stirred.set()

    def attach(self, mailbox: Mailbox) -> None:
        """Begin to consume, on a channel of its own."""
        if self._is_open:
            self._mailbox = mailbox
            mailbox.attach(self, self._server.catch_up())

    def stop_taking(self) -> None:
        """Get no more from the queue."""
        if self._mailbox is not None:
            self._mailbox.detach(self)

    def lose_channel(self) -> None:
        """The connection is gone: everything that is not settled goes back, and its tags mean nothing any more."""
        self._unread.clear()
        self._leave(list(self._unsettled))
        self._incarnation += 1
        self._last_tag = 0
        self._mailbox = None

    def _leave(self, tags: Iterable[int]) -> None:
        self.stop_taking()
        if self._mailbox is not None:
            self._mailbox.give_back([self._unsettled.pop(tag) for tag in tags], self._server.catch_up())

    def _hand_out(self, tag: int) -> Delivery:
        message = self._unsettled[tag]
        mailbox = self._mailbox
        assert mailbox is not None
        return Delivery(
            mailbox.declaration.name,
            message.exchange,
            message.routing_key,
            message.body,
            _properties_of(message),
            message.redelivered,
            (self._incarnation, tag),
        )

    def _claim(self, tag: tuple[int, int]) -> Message | None:
        incarnation, number = tag
        return self._unsettled.pop(number, None) if incarnation == self._incarnation else None


def _properties_of(message: Message) -> Properties:
    """As published, and on a quorum queue with the number of returns once there is one."""
    if not message.returns:
        return message.properties
    headers = {**message.properties.headers, "x-delivery-count": message.returns}
    return replace(message.properties, headers=headers)
