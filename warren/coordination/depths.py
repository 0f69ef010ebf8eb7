"""How full the queues are that nobody consumes all the time: the retry ladder, and the dead letters."""

from __future__ import annotations

from topology import names
from topology.cluster import Cluster
from warren.broker.port import Broker
from warren.clock import Clock
from warren.errors import WarrenError
from warren.telemetry import contract
from warren.telemetry.metrics import Metrics

REFRESH_S = 15.0


class Depths:
    """Looks at them every now and then, for the metrics of whoever asks. What cannot be looked at keeps its number."""

    def __init__(self, broker: Broker, clock: Clock, metrics: Metrics, cluster: Cluster) -> None:
        self._broker = broker
        self._clock = clock
        self._metrics = metrics
        self._dead = [names.dead_queue(owner) for owner in (names.DIRECTOR, *cluster.teams)]
        self._ladder = [names.retry_name(level) for level in range(names.RETRY_LEVELS)]

    async def watch(self) -> None:
        """Keep the numbers fresh, until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(REFRESH_S)

    async def look(self) -> None:
        """Look once."""
        for queue in self._dead:
            if (found := await self._messages(queue)) is not None:
                self._metrics.set(contract.DEAD_LETTERS, found, queue)
        levels = [await self._messages(queue) for queue in self._ladder]
        if None not in levels:
            self._metrics.set(contract.LADDER_DEPTH, sum(filter(None, levels)))

    async def _messages(self, queue: str) -> int | None:
        try:
            return (await self._broker.depth(queue)).messages
        except (WarrenError, TimeoutError):
            return None
