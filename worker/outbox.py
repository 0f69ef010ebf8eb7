"""Publishes what the tasks of many deliveries led to, and acks a delivery when all of its own is confirmed.

While one batch is being confirmed, what ends meanwhile is collected, and leaves in the next: the busier the worker,
the larger the batches. Publish, confirm, ack, in this order, always.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from topology.names import RESULTS, result_key
from warren.broker.port import Broker, Delivery, Outgoing, Properties, Subscription, Verdict
from warren.clock import Clock
from warren.errors import BrokerUnavailable, PublishFailed
from warren.messages.result import ResultMessage
from warren.skills.context import Logger

HEAD: Final = b'{"results":['
TAIL: Final = b"]}"
FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 10.0


@dataclass(slots=True, eq=False)
class Ticket:
    """A delivery that is not settled yet; `open` counts what still has to be confirmed for it."""

    subscription: Subscription
    delivery: Delivery
    open: int


@dataclass(frozen=True, slots=True)
class Packable:
    """A result in JSON, for whoever waits for it."""

    ticket: Ticket
    team: str
    priority: int
    task_id: str
    body: bytes


@dataclass(slots=True)
class Parcel:
    """One message, and whom it counts for."""

    message: Outgoing
    tickets: list[Ticket]


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
        self._limit_bytes = limit_bytes
        self._results_per_message = results_per_message
        self._next = Batch()
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._pause_s = 0.0
        self.trouble: str | None = None
        """Why nothing can be published at the moment."""

    def add_result(self, result: Packable) -> None:
        self._next.results.append(result)
        self._stir()

    def add_message(self, ticket: Ticket, message: Outgoing) -> None:
        self._next.parcels.append(Parcel(message, [ticket]))
        self._stir()

    async def run(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            batch, self._next = self._next, Batch()
            now = int(self._clock.now())
            await self._send([*batch.parcels, *self._packed(batch.results, now)])
            if self._next.is_empty:
                self._empty.set()

    async def flushed(self) -> None:
        """Return when all that was added is confirmed and acked."""
        await self._empty.wait()

    def _stir(self) -> None:
        self._empty.clear()
        self._filled.set()

    async def _send(self, parcels: Sequence[Parcel]) -> None:
        left = await self._publish(parcels)
        failed = {id(parcel) for parcel in left}
        await self._settle(parcel for parcel in parcels if id(parcel) not in failed)
        if left:
            self._next.parcels[:0] = left
            self._stir()
            await self._pause()
        else:
            self._pause_s, self.trouble = 0.0, None

    async def _publish(self, parcels: Sequence[Parcel]) -> Sequence[Parcel]:
        """What could not be published, and is to be tried again: what is not confirmed is not acked either."""
        try:
            await self._broker.publish([parcel.message for parcel in parcels])
        except PublishFailed as error:
            self._complain(error)
            return [parcels[place] for place in sorted({*error.unroutable, *error.refused, *error.unconfirmed})]
        except BrokerUnavailable as error:
            self._complain(error)
            return parcels
        return ()

    async def _settle(self, parcels: Iterable[Parcel]) -> None:
        done: dict[Subscription, list[tuple[Delivery, Verdict]]] = {}
        for parcel in parcels:
            for ticket in parcel.tickets:
                ticket.open -= 1
                if not ticket.open:
                    done.setdefault(ticket.subscription, []).append((ticket.delivery, Verdict.ACK))
        for subscription, verdicts in done.items():
            try:
                await subscription.settle(verdicts)
            except BrokerUnavailable as error:  # they come again, and their results change nothing
                self._complain(error)

    async def _pause(self) -> None:
        self._pause_s = min(max(self._pause_s * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        await self._clock.sleep(self._pause_s)

    def _complain(self, error: Exception) -> None:
        self.trouble = f"results cannot be published: {error}"
        self._logger.warning(self.trouble)

    def _packed(self, results: Iterable[Packable], now_s: int) -> list[Parcel]:
        """Results for the same team and of the same priority share messages, within the limit of their size."""
        packs: dict[tuple[str, int], list[list[Packable]]] = {}
        sizes: dict[tuple[str, int], int] = {}
        for result in results:
            key = (result.team, result.priority)
            size = sizes.get(key, 0) + len(result.body) + 1
            filling = packs.setdefault(key, [])
            if not filling or len(filling[-1]) >= self._results_per_message or size > self._room:
                filling.append([])
                size = len(result.body) + 1
            filling[-1].append(result)
            sizes[key] = size
        return [self._parcel(pack, now_s) for filled in packs.values() for pack in filled]

    @property
    def _room(self) -> int:
        return self._limit_bytes - len(HEAD) - len(TAIL)

    def _parcel(self, pack: Sequence[Packable], now_s: int) -> Parcel:
        first = pack[0]
        properties = Properties(
            type=ResultMessage.TYPE,
            correlation_id=first.task_id if len(pack) == 1 else None,
            priority=first.priority,
            timestamp_s=now_s,
            app_id=self._agent,
        )
        body = HEAD + b",".join([result.body for result in pack]) + TAIL
        message = Outgoing(RESULTS, result_key(first.team), body, properties)
        return Parcel(message, [result.ticket for result in pack])
