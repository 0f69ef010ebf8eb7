"""The deliveries of one queue to one consumer, over as many channels as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

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
    """Consumes on a channel of its own. When that is lost, whoever next asks for deliveries opens another.

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
        self._consumer: Consumer | None = None
        self._cancelled = False
        self._restoring = asyncio.Lock()
        self._patience: asyncio.Timeout | None = None

    async def start(self) -> None:
        """Begin to consume. Raises ChannelRefused if the broker refuses; waits for a broker that is not there."""
        self._consumer = await self._connection.restore(self._consume, doing=self._doing)

    async def receive(self, limit: int = 256) -> list[Delivery]:
        await asyncio.sleep(0)  # a busy queue must not keep everybody else from running
        while not self._cancelled:
            consumer = await self._live_consumer()
            if consumer is None:
                continue
            await consumer.intake.stirred.wait()
            if handed := consumer.intake.hand_out(limit):
                return handed
        return []

    async def settle(self, verdicts: Iterable[tuple[Delivery, Verdict]]) -> None:
        consumer = self._consumer
        if consumer is not None and not consumer.channel.is_closed:
            consumer.line.write(consumer.intake.settlement(consumer.channel.number, verdicts))

    async def cancel(self) -> None:
        if self._cancelled:
            return
        self._cancelled = True
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())
        async with self._restoring:
            if self._consumer is not None:
                await self._stop_consuming(self._consumer)

    async def close(self) -> None:
        """Leave; the broker takes back what is not settled."""
        await self.cancel()
        if self._consumer is not None:
            await close_channel(self._consumer.channel)

    async def _stop_consuming(self, consumer: Consumer) -> None:
        try:
            with translated():
                await consumer.channel.basic_cancel(consumer.tag, timeout=RPC_TIMEOUT_S)
            consumer.line.write(consumer.intake.give_back_unread(consumer.channel.number))
        except (LineLost, ChannelRefused) as error:
            consumer.intake.lose(error)
        consumer.intake.stirred.set()

    async def _live_consumer(self) -> Consumer | None:
        """The consumer, restored if it was lost; None if the subscription was cancelled meanwhile."""
        async with self._restoring:
            if self._cancelled:
                return None
            if self._consumer is None or self._consumer.intake.lost is not None:
                await self._restore()
            return self._consumer

    async def _restore(self) -> None:
        try:
            async with asyncio.timeout(None) as self._patience:
                self._consumer = await self._connection.restore(
                    self._consume, doing=self._doing, retry=(LineLost, ChannelRefused)
                )
        except TimeoutError:
            if not self._cancelled:
                raise
        finally:
            self._patience = None

    async def _consume(self, line: Line) -> Consumer:
        """Always on a new channel with a new tag: some brokers hang up on a tag that is used again."""
        if self._consumer is not None:
            await close_channel(self._consumer.channel)
        self._incarnation += 1
        intake = Intake(self._incarnation)
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
