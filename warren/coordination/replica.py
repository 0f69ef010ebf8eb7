"""One of several equal processes that coordinate: what a host sees of the director and of team leads alike."""

from __future__ import annotations

from warren.coordination.coordinator import Coordinator
from warren.coordination.station import Station


class Replica:
    """A service (see `warren.runtime.service`) that is its station; roles add what they do with their deliveries."""

    _coordinator: Coordinator
    _station: Station

    @property
    def waiting_for(self) -> str | None:
        """What keeps it from working, in words for readiness."""
        return self._station.waiting_for or self._coordinator.desk.waiting_for

    async def run(self) -> None:
        await self._station.run()

    async def drain(self, grace_s: float) -> None:
        del grace_s  # a batch takes far less
        await self._station.drain()
