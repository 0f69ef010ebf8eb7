"""A stream: an append-only log that each consumer reads for itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from topology.declaration import Queue
from warren.broker.memory.mailbox import Consumer
from warren.broker.memory.message import Message
from warren.broker.memory.rules import QueueRules


@dataclass(slots=True, eq=False)
class Reader:
    """How far one consumer has read."""

    consumer: Consumer
    offset: int


class MemoryStream:
    """Keeps what it gets within its limits on length, bytes and age; reading removes nothing.

    A consumer reads from what comes next after it has attached (RabbitMQ's default), in order. Whatever it says of a
    delivery only returns its credit. What retention removes before a slow consumer came to it, that one never sees.
    RabbitMQ trims by whole segments and so keeps somewhat more.
    """

    def __init__(self, declaration: Queue, rules: QueueRules) -> None:
        self.declaration = declaration
        self._rules = rules
        self._log: deque[tuple[float, Message]] = deque()
        self._first_offset = 0
        self._size_bytes = 0
        self._readers: list[Reader] = []

    def __len__(self) -> int:
        return len(self._log)

    @property
    def consumers(self) -> int:
        return len(self._readers)

    def put(self, message: Message, moment: float) -> bool:
        self._log.append((moment, message))
        self._size_bytes += len(message.body)
        self.refill(moment)
        while self._log and self._is_over(moment):
            self._drop_oldest()
        return True

    def attach(self, consumer: Consumer, moment: float) -> None:  # noqa: ARG002 - the port of all mailboxes
        self._readers.append(Reader(consumer, self._first_offset + len(self._log)))

    def detach(self, consumer: Consumer) -> None:
        self._readers = [reader for reader in self._readers if reader.consumer is not consumer]

    def refill(self, moment: float) -> None:  # noqa: ARG002 - the port of all mailboxes
        for reader in self._readers:
            self._feed(reader)

    def give_back(self, messages: Sequence[Message], moment: float) -> None:  # noqa: ARG002 - all stays in the log
        self.refill(moment)

    def reject(self, message: Message, moment: float) -> None:
        """Nothing happens: a stream has no dead letters."""

    def _feed(self, reader: Reader) -> None:
        reader.offset = max(reader.offset, self._first_offset)
        while reader.consumer.has_credit and reader.offset < self._first_offset + len(self._log):
            _, message = self._log[reader.offset - self._first_offset]
            reader.offset += 1
            reader.consumer.deliver(message)

    def _is_over(self, moment: float) -> bool:
        rules = self._rules
        return (
            (rules.max_messages is not None and len(self._log) > rules.max_messages)
            or (rules.max_bytes is not None and self._size_bytes > rules.max_bytes)
            or (rules.max_age_s is not None and self._log[0][0] < moment - rules.max_age_s)
        )

    def _drop_oldest(self) -> None:
        _, message = self._log.popleft()
        self._first_offset += 1
        self._size_bytes -= len(message.body)
