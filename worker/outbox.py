"""Publishes what the tasks of many deliveries led to, and acks a delivery when all of its own is confirmed.

While one batch is being confirmed, what ends meanwhile is collected, and leaves in the next: the busier the worker,
the larger the batches. Publish, confirm, ack, in this order, always.

What is not taken is set aside and tried again, less and less often, while everything else goes on. What can never be
taken is replaced by a failure that can.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from warren.broker.port import Broker, Delivery, Outgoing, Subscription, Verdict
from warren.clock import Clock
from warren.errors import BrokerUnavailable, PublishFailed
from warren.skills.context import Logger
from worker.parcel import Packable, Packer, Parcel, Ticket
from worker.refusal import Substitutes

FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 10.0
MOST_DOUBLINGS: Final = 10


def pause_s(tries: int) -> float:
    """How long to wait after so many tries in vain, the last one not counted."""
    return min(FIRST_PAUSE_S * 2.0 ** min(tries, MOST_DOUBLINGS), LONGEST_PAUSE_S)


@dataclass(slots=True)
class Batch:
    """What is to be published next."""

    results: list[Packable] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.results and not self.parcels


class Outbox:
    """`add` never waits; `run` does the work."""

    def __init__(
        self, broker: Broker, clock: Clock, logger: Logger, *, agent: str, limit_bytes: int, results_per_message: int
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._logger = logger
        self._agent = agent
        self._packer = Packer(agent, limit_bytes, results_per_message)
        self._substitutes = Substitutes(self._packer, clock)
        self._next = Batch()
        self._aside: list[Parcel] = []
        self._filled = asyncio.Event()
        self._put_aside = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.trouble: str | None = None
        """Why something cannot be published at the moment."""

    def add_result(self, result: Packable) -> None:
        self._next.results.append(result)
        self._stir()

    def add_message(self, ticket: Ticket, message: Outgoing) -> None:
        self._next.parcels.append(Parcel(message, [ticket]))
        self._stir()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._try_again())
            while True:
                await self._filled.wait()
                self._filled.clear()
                batch, self._next = self._next, Batch()
                await self._send([*batch.parcels, *self._packer.packed(batch.results, int(self._clock.now()))])
                if self._next.is_empty and not self._aside:
                    self._empty.set()

    async def flushed(self) -> None:
        """Return when all that was added is confirmed and acked."""
        await self._empty.wait()

    def _add(self, parcels: Sequence[Parcel]) -> None:
        if parcels:
            self._next.parcels += parcels
            self._stir()

    def _stir(self) -> None:
        self._empty.clear()
        self._filled.set()

    async def _send(self, parcels: Sequence[Parcel]) -> None:
        left, impossible = await self._publish(parcels)
        for parcel, reason in impossible.items():
            if (instead := self._substitutes.of(parcel, reason)) is not None:
                left.discard(parcel)
                self._add(instead)
        self._set_aside(parcel for parcel in parcels if parcel in left)
        await self._settle(parcel for parcel in parcels if parcel not in left)
        if not left and not self._aside:
            self.trouble = None

    async def _publish(self, parcels: Sequence[Parcel]) -> tuple[set[Parcel], Mapping[Parcel, str]]:
        """What was not taken, and why some of it never will be: what is not confirmed is not acked either."""
        try:
            await self._broker.publish([parcel.message for parcel in parcels])
        except PublishFailed as error:
            self._complain(error)
            left = {parcels[place] for place in (*error.unroutable, *error.refused, *error.unconfirmed)}
            return left, {parcels[place]: why for place, why in error.impossible.items()}
        except BrokerUnavailable as error:
            self._complain(error)
            return {*parcels}, {}
        return set(), {}

    def _set_aside(self, parcels: Iterable[Parcel]) -> None:
        for parcel in parcels:
            parcel.due_s = self._clock.now() + pause_s(parcel.tries)
            parcel.tries += 1
            self._aside.append(parcel)
        if self._aside:
            self._put_aside.set()

    async def _try_again(self) -> None:
        while True:
            await self._put_aside.wait()
            await self._clock.sleep(FIRST_PAUSE_S)
            now = self._clock.now()
            due = [parcel for parcel in self._aside if parcel.due_s <= now]
            self._aside = [parcel for parcel in self._aside if parcel.due_s > now]
            if not self._aside:
                self._put_aside.clear()
            self._add(due)

    async def _settle(self, parcels: Iterable[Parcel]) -> None:
        done: dict[Subscription, list[tuple[Delivery, Verdict]]] = {}
        for parcel in parcels:
            for ticket in parcel.tickets:
                ticket.open -= 1
                if not ticket.open:
                    done.setdefault(ticket.subscription, []).append((ticket.delivery, ticket.verdict))
        for subscription, verdicts in done.items():
            try:
                await subscription.settle(verdicts)
            except BrokerUnavailable as error:  # they come again, and their results change nothing
                self._complain(error)

    def _complain(self, error: Exception) -> None:
        self.trouble = f"results cannot be published: {error}"
        self._logger.warning(self.trouble)
