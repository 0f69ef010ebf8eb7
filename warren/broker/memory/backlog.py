"""What waits in a queue, in the order in which it will be delivered."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field

from warren.broker.memory.message import Message


@dataclass(slots=True)
class Lane:
    """The messages of one priority: those given back stand before those that were never out.

    All that was ever handed out is older than all that was not, so two stores are enough to keep places.
    """

    fresh: deque[Message] = field(default_factory=deque)
    returned: list[Message] = field(default_factory=list)


class Backlog:
    """Waiting messages: higher priorities first, then the order of arrival. `top_priority` 0 is a plain FIFO."""

    def __init__(self, top_priority: int = 0) -> None:
        self._top = top_priority
        self._lanes = [Lane() for _ in range(top_priority + 1)]
        self._filled = 0  # one bit for each lane that holds something: finds the highest in one step
        self._count = 0
        self.size_bytes = 0

    def __len__(self) -> int:
        return self._count

    def push(self, message: Message) -> None:
        """Add a message that was never here."""
        self._enter(message).fresh.append(message)

    def give_back(self, message: Message) -> None:
        """Put a message that was popped back into its old place."""
        heapq.heappush(self._enter(message).returned, message)

    def peek(self) -> Message | None:
        """The next message, or None."""
        if not self._count:
            return None
        lane = self._lanes[self._filled.bit_length() - 1]
        return lane.returned[0] if lane.returned else lane.fresh[0]

    def pop(self) -> Message:
        """Take the next message out. Raises IndexError if there is none."""
        level = self._filled.bit_length() - 1
        if level < 0:
            raise IndexError("nothing waits in this queue")
        lane = self._lanes[level]
        message = heapq.heappop(lane.returned) if lane.returned else lane.fresh.popleft()
        if not lane.fresh and not lane.returned:
            self._filled ^= 1 << level
        self._count -= 1
        self.size_bytes -= len(message.body)
        return message

    def _enter(self, message: Message) -> Lane:
        level = min(message.properties.priority, self._top) if self._top else 0
        self._filled |= 1 << level
        self._count += 1
        self.size_bytes += len(message.body)
        return self._lanes[level]
