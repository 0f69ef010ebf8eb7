"""What a queue and a stream are to the rest of the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from topology.declaration import Queue
from warren.broker.memory.message import Message


class Consumer(Protocol):
    """Somebody that messages are pushed to."""

    @property
    def has_credit(self) -> bool:
        """Whether it takes another message now."""

    def deliver(self, message: Message) -> None:
        """Hand it a message; it is out until it is settled or given back."""


class Mailbox(Protocol):
    """A place where messages come to rest. `moment` is always the time in Unix seconds."""

    @property
    def declaration(self) -> Queue: ...

    @property
    def consumers(self) -> int: ...

    def __len__(self) -> int:
        """How many messages wait."""

    def put(self, message: Message, moment: float) -> bool:
        """Take in a message; False if it is refused because the place is full."""

    def attach(self, consumer: Consumer, moment: float) -> None: ...

    def detach(self, consumer: Consumer) -> None: ...

    def refill(self, moment: float) -> None:
        """Deliver what can be delivered, because a consumer has credit again."""

    def give_back(self, messages: Sequence[Message], moment: float) -> None:
        """Take back what a consumer had and did not settle."""

    def reject(self, message: Message, moment: float) -> None:
        """A consumer has refused this one for good."""
