"""What one consumer on one channel was given, and how it is settled in few frames."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from warren.broker.port import Delivery, Properties, Verdict
from warren.broker.rabbit import wire
from warren.broker.rabbit.inflow import Inflow

BATCH_BYTES: Final = 16 * 1024 * 1024
"""What is handed out at once, but for a single delivery that is larger."""


class Intake:
    """The sink of a consuming channel, of its `incarnation` of the subscription.

    `stirred` is set while there is something to hand out.
    """

    def __init__(self, incarnation: int, stirred: asyncio.Event, inflow: Inflow | None = None) -> None:
        self.incarnation = incarnation
        self.queue = ""
        self.gone = asyncio.Event()
        """Set when nothing more will come."""
        self._stirred = stirred
        self._inflow = inflow or Inflow()
        self._unread_bytes = 0
        self._is_abandoned = False
        self._unread: deque[Delivery] = deque()
        self._unsettled: set[int] = set()
        self._lowest = 1
        self._last = 0
        self._method: wire.Deliver | None = None
        self._properties = Properties()
        self._size = 0
        self._parts: list[bytes] = []

    def take(self, kind: int, payload: bytes) -> bool:
        if kind == wire.METHOD:
            if wire.METHOD_ID.unpack_from(payload) != wire.DELIVER:
                return False
            self._method = wire.read_deliver(payload)
            return True
        if kind == wire.HEADER:
            self._size, self._properties = wire.read_content_header(payload)
        else:
            self._parts.append(payload)
            self._size -= len(payload)
        if self._size <= 0:
            self._complete()
        return True

    def lose(self, reason: Exception) -> None:  # noqa: ARG002
        """What is unread will be delivered again to somebody."""
        self._unread.clear()
        self._read(self._unread_bytes)
        self.gone.set()

    def hand_out(self, limit: int) -> list[Delivery]:
        """The oldest unread deliveries, no more than BATCH_BYTES of them."""
        unread = self._unread
        if len(unread) <= limit and self._unread_bytes <= BATCH_BYTES:
            handed, size = list(unread), self._unread_bytes
            unread.clear()
        else:
            handed, size = [], 0
            while unread and len(handed) < limit and (not handed or size + len(unread[0].body) <= BATCH_BYTES):
                handed.append(unread.popleft())
                size += len(handed[-1].body)
        self._read(size)
        if not unread:
            self._stirred.clear()
        return handed

    def abandon(self) -> None:
        """Keep nothing but the tags: what is unread, and what still comes, will be given back."""
        self._is_abandoned = True
        self._unread = deque(replace(delivery, body=b"") for delivery in self._unread)
        self._read(self._unread_bytes)

    def give_back_unread(self, channel: int) -> bytes:
        """Frames that put back into the queue what was not handed out."""
        return self.settlement(channel, [(delivery, Verdict.REQUEUE) for delivery in self.hand_out(len(self._unread))])

    def settlement(self, channel: int, verdicts: Iterable[tuple[Delivery, Verdict]]) -> bytes:
        """Frames for all verdicts; nothing for a delivery of another incarnation, or one settled before.

        An ack that is `multiple` settles everything up to its tag. So one goes out for the run of tags that are
        settled without a gap, and a single one for each ack above the first gap.
        """
        frames: list[bytes] = []
        acked: list[int] = []
        for delivery, verdict in verdicts:
            incarnation, tag = delivery.tag
            if incarnation != self.incarnation or tag not in self._unsettled:
                continue
            self._unsettled.discard(tag)
            if verdict is Verdict.ACK:
                acked.append(tag)
            else:
                frames.append((wire.reject if verdict is Verdict.REJECT else wire.give_back)(channel, tag))
        if acked:
            frames.extend(self._acks(channel, acked))
        return b"".join(frames)

    def _acks(self, channel: int, acked: list[int]) -> Iterable[bytes]:
        while self._lowest <= self._last and self._lowest not in self._unsettled:
            self._lowest += 1
        acked.sort()
        run = [tag for tag in acked if tag < self._lowest]
        if run:
            yield wire.ack(channel, run[-1], multiple=len(run) > 1)
        for tag in acked[len(run) :]:
            yield wire.ack(channel, tag, multiple=False)

    def _complete(self) -> None:
        method = self._method
        if method is None:
            return
        parts = self._parts
        body = b"" if self._is_abandoned else parts[0] if len(parts) == 1 else b"".join(parts)
        self._parts = []
        self._method = None
        self._last = method.tag
        self._unsettled.add(method.tag)
        tag = (self.incarnation, method.tag)
        self._unread.append(
            Delivery(self.queue, method.exchange, method.routing_key, body, self._properties, method.redelivered, tag)
        )
        self._unread_bytes += len(body)
        self._inflow.add(len(body))
        self._stirred.set()

    def _read(self, size_bytes: int) -> None:
        self._unread_bytes -= size_bytes
        self._inflow.remove(size_bytes)
