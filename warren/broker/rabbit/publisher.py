"""Publishing in batches: pipelined, confirmed, and sent again when the connection breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiormq.abc import AbstractChannel

from warren.broker.port import Outgoing
from warren.broker.rabbit.confirms import Chunk, Confirms
from warren.broker.rabbit.connection import RecoveringConnection
from warren.broker.rabbit.line import ChannelRefused, Line, LineLost, close_channel
from warren.errors import PublishFailed
from warren.ids import Entropy

CHUNK: Final = 128
CHUNK_BYTES: Final = 1 << 20
NOT_FOUND: Final = 404
PRECONDITION_FAILED: Final = 406
INTERNAL_ERROR: Final = 541


@dataclass(slots=True)
class Outlet:
    """A channel that publishes."""

    line: Line
    channel: AbstractChannel
    confirms: Confirms
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0

    @property
    def is_spent(self) -> bool:
        """Whether the next batch needs another one.

        A channel of RabbitMQ 3.10 asks for ever a node that led a quorum queue when it was killed, and refuses all
        that is meant for the queue long after another node leads it. Only a new channel looks for the leader anew.
        """
        return self.confirms.lost is not None or self.confirms.is_doubtful

    @property
    def refusal(self) -> ChannelRefused | None:
        """What the broker had against a message, if that is why the channel or the whole connection is gone."""
        if isinstance(self.confirms.lost, ChannelRefused):
            return self.confirms.lost
        hung_up_on = self.line.hung_up_on if self.confirms.lost is not None else None
        return None if hung_up_on is None else ChannelRefused(INTERNAL_ERROR, f"the broker hung up: {hung_up_on}")

    def send(self, batch: Sequence[Outgoing], positions: Sequence[int]) -> Chunk:
        return self.confirms.send(self.line, self.channel.number, batch, positions)


class Report:
    """What became of the messages of one batch, by position."""

    def __init__(self, count: int) -> None:
        self.open = set(range(count))
        self.unroutable: dict[int, str] = {}
        self.refused: dict[int, str] = {}
        self.impossible: dict[int, str] = {}

    def account(self, outlet: Outlet, chunk: Chunk) -> None:
        """Take over what is known of a chunk, now that nobody waits for it any more."""
        self.unroutable.update(chunk.unroutable)
        self.refused.update(chunk.refused)
        self.refused.update(chunk.unwritable)
        self.impossible.update(chunk.unwritable)
        self.open.difference_update(set(chunk.positions).difference(outlet.confirms.unsettled(chunk)))
        self.open.difference_update(chunk.unroutable, chunk.refused, chunk.unwritable)

    def blame(self, position: int, refusal: ChannelRefused) -> None:
        """A message because of which the broker closed the channel, or hung up.

        An exchange can be declared, a permission given, and a broker that stumbled may not do so again; what is wrong
        with the message itself stays.
        """
        self.open.discard(position)
        (self.unroutable if refusal.code == NOT_FOUND else self.refused)[position] = str(refusal)
        if refusal.code == PRECONDITION_FAILED:
            self.impossible[position] = str(refusal)


class Publisher:
    """Publishes for a whole process over one connection.

    A batch whose connection breaks is waited for: what was not confirmed is published again on the next one, so the
    broker may get a message twice, but never not at all without an error. Messages among which is one that costs us
    the connection go out one by one over another, `aside`, so that nobody else's go down with it again.
    """

    def __init__(
        self, connection: RecoveringConnection, aside: RecoveringConnection, *, timeout_s: float, entropy: Entropy
    ) -> None:
        self._connection = connection
        self._aside = aside
        self._one_by_one = asyncio.Lock()
        self._timeout_s = timeout_s
        self._entropy = entropy
        self._outlet: Outlet | None = None
        self._opening = asyncio.Lock()

    async def publish(self, batch: Sequence[Outgoing]) -> None:
        """Return when the broker has taken every message. Raises PublishFailed."""
        report = Report(len(batch))
        try:
            async with asyncio.timeout(self._timeout_s):
                while report.open:
                    await self._advance(batch, report)
        except TimeoutError:
            raise self._failure(batch, report) from None
        if report.unroutable or report.refused:
            raise self._failure(batch, report)

    async def _advance(self, batch: Sequence[Outgoing], report: Report) -> None:
        """One try of all that is open."""
        async with self._outlet_in_use() as outlet:
            await self._send(outlet, batch, report, sorted(report.open))
        if report.open and outlet.refusal is not None:
            async with self._one_by_one:
                await self._send_singly(batch, report)

    async def _send(self, outlet: Outlet, batch: Sequence[Outgoing], report: Report, positions: Sequence[int]) -> None:
        chunks: list[Chunk] = []
        try:
            for run in _split(batch, positions):
                await outlet.confirms.room(len(run))
                async with outlet.turn:  # one chunk at a time beyond what the broker takes
                    await outlet.line.drain()
                    if outlet.confirms.lost is not None:
                        break
                    chunks.append(outlet.send(batch, run))
            for chunk in chunks:
                await chunk.done
        except LineLost as error:
            outlet.confirms.lose(error)
        finally:
            for chunk in chunks:
                report.account(outlet, chunk)

    async def _send_singly(self, batch: Sequence[Outgoing], report: Report) -> None:
        """The broker refused a message and does not say which: try each on its own."""
        async with AsyncExitStack() as channels:
            outlet: Outlet | None = None
            for position in sorted(report.open):
                if outlet is None or outlet.is_spent:
                    await channels.aclose()
                    outlet = await self._aside.restore(self._open_outlet)
                    channels.push_async_callback(close_channel, outlet.channel)
                await self._send(outlet, batch, report, [position])
                if position in report.open and outlet.refusal is not None:
                    report.blame(position, outlet.refusal)

    @asynccontextmanager
    async def _outlet_in_use(self) -> AsyncIterator[Outlet]:
        """The last who leaves one that is spent closes its channel: nobody waits for its confirms any more."""
        outlet = await self._ready_outlet()
        outlet.users += 1
        try:
            yield outlet
        finally:
            outlet.users -= 1
            if outlet.is_spent and not outlet.users:
                await close_channel(outlet.channel)

    async def _ready_outlet(self) -> Outlet:
        async with self._opening:
            before = self._outlet
            if before is not None and not before.is_spent:
                return before
            ready = self._outlet = await self._connection.restore(self._open_outlet)
            if before is not None and before.confirms.lost is None and not before.users:
                # it was refused something when nobody waited for the answer any more
                await close_channel(before.channel)
            return ready

    async def _open_outlet(self, line: Line) -> Outlet:
        confirms = Confirms(f"{self._entropy(8).hex()}-")
        return Outlet(line, await line.open_channel(confirms, confirms=True), confirms)

    def _failure(self, batch: Sequence[Outgoing], report: Report) -> PublishFailed:
        kinds = {
            "reached no queue": report.unroutable,
            "refused": report.refused,
            "unconfirmed": dict.fromkeys(sorted(report.open), self._why_unconfirmed()),
        }
        parts = [
            f"{len(found)} {kind} (the first: {_describe(batch, *min(found.items()))})"
            for kind, found in kinds.items()
            if found
        ]
        return PublishFailed(
            f"of {len(batch)} messages: " + "; ".join(parts),
            unroutable=sorted(report.unroutable),
            refused=sorted(report.refused),
            unconfirmed=sorted(report.open),
            impossible=dict(sorted(report.impossible.items())),
        )

    def _why_unconfirmed(self) -> str:
        trouble = self._connection.trouble
        return f"no confirm within {self._timeout_s:g} s" + (f", {trouble}" if trouble else "")


def _split(batch: Sequence[Outgoing], positions: Sequence[int]) -> Iterator[list[int]]:
    """Runs of at most CHUNK messages and about CHUNK_BYTES."""
    run: list[int] = []
    size = 0
    for position in positions:
        run.append(position)
        size += len(batch[position].body)
        if len(run) >= CHUNK or size >= CHUNK_BYTES:
            yield run
            run, size = [], 0
    if run:
        yield run


def _describe(batch: Sequence[Outgoing], position: int, reason: str) -> str:
    message = batch[position]
    return f"position {position}, exchange {message.exchange!r}, key {message.routing_key!r}: {reason}"
