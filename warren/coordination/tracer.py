"""Exports the spans of what has ended, from the ledger: once, by whichever coordinator takes it.

Claiming is a mark in the ledger, in the same transaction that reads. So a project's trace does not depend on the
process that finished it, and while no collector answers, nothing more is claimed and nothing is lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from warren.coordination.desk import Desk
from warren.coordination.story import news_of
from warren.ledger.event import Traced
from warren.ledger.excerpt import Limits
from warren.ledger.timeline import Timeline, step_of, timeline
from warren.ledger.transaction import Transaction
from warren.ledger.untraced import claim_untraced
from warren.log import get_logger
from warren.telemetry import contract
from warren.telemetry.span import Span
from warren.telemetry.span_export import SpanSink
from warren.telemetry.telemetry import Telemetry

INTERVAL_S: Final = 0.5
SETTLING_S: Final = 1.0
"""How long what has ended is left alone: workers may still report on what was stopped."""
OWNERS: Final = 8
"""Projects and assignments that are claimed at a time."""
TRIES: Final = 5
"""How often spans are sent that a collector refuses although it answers."""
LONGEST_PAUSE_S: Final = 30.0
"""Between tries while no collector answers."""

log = get_logger("warren.coordination")


class Tracer:
    """Runs in every coordinator that has a collector; two of them do not get in each other's way."""

    def __init__(self, desk: Desk, telemetry: Telemetry, settling_s: float = SETTLING_S) -> None:
        self._desk = desk
        self._settling_s = settling_s
        self._telemetry = telemetry
        self._limits = Limits(children=telemetry.children)
        self._is_unheard = False
        """Whether nothing has arrived of the spans that are sent at the moment."""

    async def run(self) -> None:
        """Export until cancelled."""
        if self._telemetry.spans is None:
            await asyncio.Event().wait()
        while True:
            await self._desk.clock.sleep(INTERVAL_S)
            while await self.export():
                """There was so much that there may be more."""

    async def export(self) -> int:
        """Export what there is, up to a number of owners; returns how many they were. What this process is stopped
        before is given back.
        """
        now = self._desk.clock.now()
        self._is_unheard = True
        waiting: deque[Timeline] = deque()
        try:
            count = await self._desk.transact(lambda transaction: self._claim(transaction, now, waiting))
            while waiting:
                await self._send(news_of(waiting[0], now))
                waiting.popleft()
        except asyncio.CancelledError:
            first = 0 if self._is_unheard else 1
            self._desk.note(Traced(one.owner.id, now, is_back=True) for one in [*waiting][first:])
            raise
        return count

    def _claim(self, transaction: Transaction, now: float, claimed: deque[Timeline]) -> int:
        """Adds to what is claimed, for whoever is stopped meanwhile gets no answer; returns how many there are."""
        claimed.clear()  # a transaction that failed before this one
        owners = claim_untraced(transaction, now - self._settling_s, OWNERS, now)
        steps = ((owner, step_of(transaction, owner, self._limits)) for owner in owners)
        found = (timeline(transaction, owner, self._limits, step) for owner, step in steps if step is not None)
        claimed.extend(one for one in found if one is not None)
        return len(claimed)

    async def _send(self, spans: Sequence[Span]) -> None:
        """Send until all have arrived, or a collector that answers has refused them often enough."""
        sink, tries, is_heard = self._telemetry.spans, 0, False
        assert sink is not None
        while True:
            self._is_unheard = False
            arrived = await sink.export(spans)
            spans, is_heard = spans[arrived:], is_heard or arrived > 0
            if not spans:
                return
            self._is_unheard = not is_heard
            tries = 0 if arrived else tries + 1
            if tries >= TRIES and await self._is_refused(sink, spans, tries):
                return
            await self._desk.clock.sleep(min(INTERVAL_S * 2**tries, LONGEST_PAUSE_S))

    async def _is_refused(self, sink: SpanSink, spans: Sequence[Span], tries: int) -> bool:
        """Whether it is the spans that are not taken, and no outage."""
        if not await sink.answers():
            if tries == TRIES:
                log.warning("no collector answers; spans stay where they are until one does")
            return False
        self._telemetry.metrics.add(contract.SPANS_DROPPED, amount=len(spans))
        log.warning("the collector refuses spans; a part of a trace is lost", spans=len(spans), trace=spans[0].trace_id)
        return True
