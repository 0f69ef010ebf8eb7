"""A message as it lies in one queue."""

from __future__ import annotations

import math
from dataclasses import dataclass

from warren.broker.port import Properties

NEVER = math.inf


@dataclass(slots=True, eq=False)
class Message:
    """One queue's copy of what was published. Orders by its place in that queue.

    `expires_at` is in Unix seconds. `returns` counts how often a consumer of a quorum queue
    gave it back; classic queues do not count.
    """

    exchange: str
    routing_key: str
    body: bytes
    properties: Properties
    position: int = 0
    expires_at: float = NEVER
    returns: int = 0
    redelivered: bool = False

    def __lt__(self, other: Message) -> bool:
        return self.position < other.position

    def copy(self) -> Message:
        """The same content, as new, for another queue."""
        return Message(self.exchange, self.routing_key, self.body, self.properties)
