"""Exports the spans of what has ended, from the ledger: once, by whichever coordinator takes it.

Claiming is a mark in the ledger, in the same transaction that reads. So a project's trace does not depend on the
process that finished it, and while no collector answers, nothing more is claimed and nothing is lost.
"""

from __future__ import annotations

import asyncio
from typing import Final

from warren.coordination.desk import Desk
from warren.coordination.story import news_of
from warren.ledger.excerpt import Limits
from warren.ledger.timeline import Timeline, is_left_out, timeline
from warren.ledger.transaction import Transaction
from warren.ledger.untraced import claim_untraced
from warren.log import get_logger
from warren.telemetry import contract
from warren.telemetry.span import Span
from warren.telemetry.telemetry import Telemetry

INTERVAL_S: Final = 0.5
SETTLING_S: Final = 1.0
"""How long what has ended is left alone: workers may still report on what was stopped."""
OWNERS: Final = 8
"""Projects and assignments that are claimed at a time."""
TRIES: Final = 5
"""How often an export is tried while the collector answers nothing good; each try waits by itself."""

log = get_logger("warren.coordination")


class Tracer:
    """Runs in every coordinator that has a collector; two of them do not get in each other's way."""

    def __init__(self, desk: Desk, telemetry: Telemetry) -> None:
        self._desk = desk
        self._telemetry = telemetry
        self._limits = Limits(children=telemetry.children)

    async def run(self) -> None:
        """Export until cancelled."""
        if self._telemetry.spans is None:
            await asyncio.Event().wait()
        while True:
            await self._desk.clock.sleep(INTERVAL_S)
            while await self.export():
                """There was so much that there may be more."""

    async def export(self) -> int:
        """Export what there is, up to a number of owners; returns how many they were."""
        now = self._desk.clock.now()
        timelines = await self._desk.transact(lambda transaction: self._claimed(transaction, now))
        for one in timelines:
            await self._send(news_of(one, now))
        return len(timelines)

    def _claimed(self, transaction: Transaction, now: float) -> list[Timeline]:
        owners = claim_untraced(transaction, now - SETTLING_S, OWNERS, now)
        wanted = (owner for owner in owners if not is_left_out(transaction, owner, self._limits))
        found = (timeline(transaction, owner, self._limits) for owner in wanted)
        return [one for one in found if one is not None]

    async def _send(self, spans: list[Span]) -> None:
        sink = self._telemetry.spans
        assert sink is not None
        for attempt in range(TRIES):
            if await sink.export(spans):
                return
            await self._desk.clock.sleep(INTERVAL_S * 2**attempt)
        self._telemetry.metrics.add(contract.SPANS_DROPPED, amount=len(spans))
        log.warning(
            "the collector takes no spans; a part of a trace is lost", spans=len(spans), trace=spans[0].trace_id
        )
