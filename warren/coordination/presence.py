"""How many workers are there for each skill, as the broker sees it."""

from __future__ import annotations

from collections.abc import Mapping

from warren.broker.port import Broker
from warren.clock import Clock
from warren.coordination.bundling import Skill
from warren.errors import WarrenError
from warren.telemetry import contract
from warren.telemetry.metrics import Metrics

REFRESH_S = 2.0


class Presence:
    """Consumers per work queue, looked up every few seconds; a stale number only makes bundles larger or smaller."""

    def __init__(self, broker: Broker, metrics: Metrics) -> None:
        self._broker = broker
        self._metrics = metrics
        self._workers: dict[Skill, int] = {}

    def workers(self, skill: Skill) -> int:
        return self._workers.get(skill, 1)

    async def watch(self, queues: Mapping[Skill, str], clock: Clock) -> None:
        """Keep the numbers fresh, until cancelled."""
        while True:
            for skill, queue in queues.items():
                await self._look(skill, queue)
            await clock.sleep(REFRESH_S)

    async def _look(self, skill: Skill, queue: str) -> None:
        try:
            depth = await self._broker.depth(queue)
        except (WarrenError, TimeoutError):
            return
        self._workers[skill] = depth.consumers
        self._metrics.set(contract.QUEUE_MESSAGES, depth.messages, queue)
