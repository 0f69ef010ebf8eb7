"""A classic or quorum queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from topology.declaration import Queue
from warren.broker.memory.agenda import Agenda
from warren.broker.memory.backlog import Backlog
from warren.broker.memory.death import Reason
from warren.broker.memory.mailbox import Consumer
from warren.broker.memory.message import NEVER, Message
from warren.broker.memory.rules import QUORUM, QueueRules

Bury = Callable[[Queue, QueueRules, Message, Reason, float], None]


class MemoryQueue:
    """Holds messages and pushes them to its consumers in turn, as far as their credit goes.

    Expiry is looked for at the head only, as in RabbitMQ: a message behind one that lives longer waits with it, but
    is never delivered late.
    """

    def __init__(self, declaration: Queue, rules: QueueRules, agenda: Agenda, bury: Bury) -> None:
        self.declaration = declaration
        self._rules = rules
        self._agenda = agenda
        self._bury = bury
        self._backlog = Backlog(rules.top_priority)
        self._consumers: deque[Consumer] = deque()
        self._arrivals = 0
        self._next_check = NEVER
        self._has_expiring = False

    def __len__(self) -> int:
        return len(self._backlog)

    @property
    def consumers(self) -> int:
        return len(self._consumers)

    def put(self, message: Message, moment: float) -> bool:
        if self._rules.refuses_when_full and not self._has_room_for(message):
            if self._rules.buries_refused:
                self._lose(message, Reason.MAX_LENGTH, moment)
            return False
        self._arrivals += 1
        message.position = self._arrivals
        self._set_expiry(message, moment)
        self._backlog.push(message)
        self.refill(moment)
        return True

    def attach(self, consumer: Consumer, moment: float) -> None:
        self._consumers.append(consumer)
        self.refill(moment)

    def detach(self, consumer: Consumer) -> None:
        if consumer in self._consumers:
            self._consumers.remove(consumer)

    def refill(self, moment: float) -> None:
        if self._consumers:
            self._dispatch(moment)
        if self._rules.is_bounded:
            self._trim(moment)
        if self._has_expiring:
            self._expire(moment)

    def give_back(self, messages: Sequence[Message], moment: float) -> None:
        for message in messages:
            message.redelivered = True
            message.returns += self._rules.kind == QUORUM
            if self._is_worn_out(message):
                self._lose(message, Reason.DELIVERY_LIMIT, moment)
            else:
                self._backlog.give_back(message)
        self.refill(moment)

    def reject(self, message: Message, moment: float) -> None:
        self._lose(message, Reason.REJECTED, moment)

    def _lose(self, message: Message, reason: Reason, moment: float) -> None:
        self._bury(self.declaration, self._rules, message, reason, moment)

    def _dispatch(self, moment: float) -> None:
        backlog = self._backlog
        while backlog and (consumer := self._next_consumer()) is not None:
            message = backlog.pop()
            if message.expires_at < moment:
                self._lose(message, Reason.EXPIRED, moment)
            else:
                consumer.deliver(message)

    def _next_consumer(self) -> Consumer | None:
        """Whose turn it is, among those that have credit."""
        if self._rules.single_active:
            return self._consumers[0] if self._consumers[0].has_credit else None
        for _ in range(len(self._consumers)):
            consumer = self._consumers[0]
            self._consumers.rotate(-1)
            if consumer.has_credit:
                return consumer
        return None

    def _is_over(self, messages: int, size_bytes: int) -> bool:
        most, most_bytes = self._rules.max_messages, self._rules.max_bytes
        return (most is not None and messages > most) or (most_bytes is not None and size_bytes > most_bytes)

    def _has_room_for(self, message: Message) -> bool:
        return not self._is_over(len(self._backlog) + 1, self._backlog.size_bytes + len(message.body))

    def _trim(self, moment: float) -> None:
        """Drop the head as long as there is too much. Returned messages may overfill a queue that refuses."""
        while not self._rules.refuses_when_full and self._is_over(len(self._backlog), self._backlog.size_bytes):
            self._lose(self._backlog.pop(), Reason.MAX_LENGTH, moment)

    def _set_expiry(self, message: Message, moment: float) -> None:
        limits = (self._rules.ttl_ms, message.properties.expiration_ms)
        if limits != (None, None):
            message.expires_at = moment + min(limit for limit in limits if limit is not None) / 1000
            self._has_expiring = True

    def _expire(self, moment: float) -> None:
        """Bury the heads whose time is over, and note when the next one's will be."""
        while (head := self._backlog.peek()) is not None and head.expires_at <= moment:
            self._lose(self._backlog.pop(), Reason.EXPIRED, moment)
        if head is not None and head.expires_at < self._next_check:
            self._next_check = head.expires_at
            self._agenda.at(head.expires_at, self._check)

    def _check(self, moment: float) -> None:
        self._next_check = NEVER
        self._expire(moment)

    def _is_worn_out(self, message: Message) -> bool:
        limit = self._rules.delivery_limit
        return limit is not None and message.returns > limit
