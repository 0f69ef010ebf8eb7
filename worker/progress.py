"""How far handlers are, told to whoever listens, at most once a second for each task."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any, Final

from topology.names import EVENTS
from warren.broker.port import Broker, Outgoing, Properties
from warren.clock import Clock
from warren.errors import BrokerUnavailable, PublishFailed
from warren.messages.codec import encode
from warren.messages.event import Event
from warren.skills.context import Context
from warren.telemetry.context import STATE
from worker.attempt import sendable

PERIOD_S: Final = 1.0
MAX_MESSAGE_CHARS: Final = 500
TYPE: Final = "warren.task.progressed"


class ProgressReports:
    """Keeps the newest report of each task until it is sent. Progress that is lost is nothing to retry for."""

    def __init__(self, broker: Broker, clock: Clock, agent: str) -> None:
        self._broker = broker
        self._clock = clock
        self._agent = agent
        self._newest: dict[str, tuple[Context, float, str, Mapping[str, str]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stirred = asyncio.Event()
        self._number = itertools.count(1)

    def report(self, context: Context, fraction: float, message: str) -> None:
        """From any thread."""
        self._newest[context.task_id] = (context, fraction, message, context.trace_headers())
        if self._loop is not None and not self._stirred.is_set():
            self._loop.call_soon_threadsafe(self._stirred.set)

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            newest, self._newest = self._newest, {}
            await self._publish([self._event(*report) for report in list(newest.values())])
            await self._clock.sleep(PERIOD_S)

    async def _publish(self, events: list[Outgoing]) -> None:
        try:
            await self._broker.publish(events)
        except (BrokerUnavailable, PublishFailed):
            return

    def _event(self, context: Context, fraction: float, message: str, headers: Mapping[str, str]) -> Outgoing:
        trace: dict[str, Any] = {name: headers[name] for name in STATE if name in headers}
        event = Event(
            specversion="1.0",
            id=f"{self._agent}-{next(self._number)}",
            source=f"/warren/agents/{self._agent}",
            type=TYPE,
            subject=context.task_id,
            data={
                "fraction": fraction,
                "message": sendable(str(message), MAX_MESSAGE_CHARS),
                "attempt": context.attempt,
            },
            **trace,
        )
        properties = Properties(type=Event.TYPE, app_id=self._agent, persistent=False, headers=trace)
        key = f"task.progressed.{context.team}.{context.skill}"
        return Outgoing(EVENTS, key, encode(event), properties, mandatory=False)
