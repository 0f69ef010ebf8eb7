"""The deliveries of one queue to one consumer, over as many channels as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Self

from aiormq.abc import AbstractChannel

from warren.broker.port import Delivery, Verdict
from warren.broker.rabbit.connection import RecoveringConnection
from warren.broker.rabbit.intake import Intake
from warren.broker.rabbit.line import RPC_TIMEOUT_S, ChannelRefused, Line, LineLost, close_channel, translated

Source = Callable[[AbstractChannel], Awaitable[str]]
"""Gives the name of the queue to consume; an inbox makes its queue first."""

MOST_PREFETCH: Final = 65_535


@dataclass(frozen=True, slots=True)
class Consumer:
    """A channel that consumes."""

    line: Line
    channel: AbstractChannel
    intake: Intake
    tag: str


class RabbitSubscription:
    """Consumes on a channel of its own, and on another when that is lost.

    What was handed out on a lost channel is delivered again by the broker, so settling it does nothing.
    """

    def __init__(self, connection: RecoveringConnection, source: Source, *, doing: str, prefetch: int) -> None:
        if not 1 <= prefetch <= MOST_PREFETCH:
            raise ValueError(f"the prefetch is {prefetch}, but must be from 1 to {MOST_PREFETCH:,}")
        self._connection = connection
        self._source = source
        self._doing = doing
        self._prefetch = prefetch
        self._incarnation = 0
        self._stirred = asyncio.Event()
        self._consumer: Consumer | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._cancelled = False

    @asynccontextmanager
    async def consuming(self) -> AsyncIterator[Self]:
        """Consume while in the context; the broker takes back what is not settled at its end.

        Raises ChannelRefused if the broker refuses; waits for a broker that is not there.
        """
        self._consumer = await self._connection.restore(self._consume, doing=self._doing)
        self._keeper = asyncio.create_task(self._keep(self._consumer))
        self._keeper.add_done_callback(lambda _: self._stirred.set())
        try:
            yield self
        finally:
            await self.cancel()
            await close_channel(self._consumer.channel)

    async def receive(self, limit: int = 256) -> list[Delivery]:
        await asyncio.sleep(0)  # a busy queue must not keep everybody else from running
        while not self._cancelled:
            assert self._consumer is not None
            assert self._keeper is not None
            if handed := self._consumer.intake.hand_out(limit):
                return handed
            if self._keeper.done():
                self._keeper.result()
            await self._stirred.wait()
        return []

    async def settle(self, verdicts: Iterable[tuple[Delivery, Verdict]]) -> None:
        consumer = self._consumer
        if consumer is not None and not consumer.channel.is_closed:
            consumer.line.write(consumer.intake.settlement(consumer.channel.number, verdicts))

    async def cancel(self) -> None:
        if self._cancelled or self._consumer is None or self._keeper is None:
            return
        self._cancelled = True
        self._stirred.set()
        self._keeper.cancel()
        await asyncio.wait([self._keeper])
        await self._stop_consuming(self._consumer)

    async def _keep(self, consumer: Consumer) -> None:
        """Replace each consumer that is lost, until cancelled."""
        while True:
            await consumer.intake.gone.wait()
            await close_channel(consumer.channel)
            consumer = self._consumer = await self._connection.restore(
                self._consume, doing=self._doing, retry=(LineLost, ChannelRefused)
            )
            self._stirred.set()  # deliveries may have come before anybody knew of this consumer

    async def _stop_consuming(self, consumer: Consumer) -> None:
        consumer.intake.abandon()  # so that the answer can be read
        try:
            with translated():
                await consumer.channel.basic_cancel(consumer.tag, timeout=RPC_TIMEOUT_S)
            consumer.line.write(consumer.intake.give_back_unread(consumer.channel.number))
        except (LineLost, ChannelRefused) as error:
            consumer.intake.lose(error)

    async def _consume(self, line: Line) -> Consumer:
        """Always on a new channel with a new tag: some brokers hang up on a tag that is used again."""
        self._incarnation += 1
        intake = Intake(self._incarnation, self._stirred, line.inflow)
        channel = await line.open_channel(intake)
        try:
            with translated():
                return await self._begin(line, channel, intake)
        except BaseException:
            await close_channel(channel)
            raise

    async def _begin(self, line: Line, channel: AbstractChannel, intake: Intake) -> Consumer:
        await channel.basic_qos(prefetch_count=self._prefetch, timeout=RPC_TIMEOUT_S)
        intake.queue = await self._source(channel)
        reason = f"the broker cancelled the consumer of queue {intake.queue!r}"
        channel.on_consumer_cancel_callbacks.add(lambda _: intake.lose(LineLost(reason)))
        begun = await channel.basic_consume(intake.queue, _ignore, timeout=RPC_TIMEOUT_S)
        return Consumer(line, channel, intake, str(begun.consumer_tag))


async def _ignore(_: object) -> None:
    """A callback that aiormq wants; the tap takes the deliveries before it would be called."""
