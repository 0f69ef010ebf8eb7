"""Ends projects whose trees grow beyond all bounds: maps within maps, plans that spawn plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warren.coordination.coordinator import Coordinator
from warren.coordination.parcel import Parcel
from warren.ledger.growth import overgrown
from warren.ledger.transaction import Transaction
from warren.log import get_logger
from warren.messages.outcome import ErrorInfo, Failed

if TYPE_CHECKING:
    from warren.coordination.effects import Effects

INTERVAL_S: Final = 10.0
"""The windows of its maps bound what a project can plan in between."""

log = get_logger("director")


class Census:
    """Counts every few seconds instead of at every task, so that it costs a task nothing; replicas may all do it."""

    def __init__(self, coordinator: Coordinator, limit: int) -> None:
        self._coordinator = coordinator
        self._limit = limit

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            await self._coordinator.clock.sleep(INTERVAL_S)
            await self.count()

    async def count(self) -> None:
        """One round."""
        desk = self._coordinator.desk
        for project, size in (await desk.read(lambda transaction: overgrown(transaction, self._limit))).items():
            log.warning("a project is ended, for it has too many tasks", project=project, tasks=size)
            await self._coordinator.send(await self._end(project, size))

    async def _end(self, project: str, size: int) -> list[Parcel]:
        message = (
            f"the project has {size:,} tasks, the limit is {self._limit:,} (limits.project_tasks in cluster.yaml); "
            "hand it in in parts"
        )
        outcome = Failed(error=ErrorInfo(code="project_too_large", message=message, task=project, permanent=True))
        now = self._coordinator.clock.now()

        def end(transaction: Transaction) -> list[Effects]:
            """Owners are locked from the top down, as by whoever cancels."""
            owners = {owner.id: owner for owner in transaction.lock_subtree(project)}
            owner = owners.get(project)
            if owner is None or owner.status != "open":
                return []
            return [self._coordinator.carrier.finish(transaction, owner, outcome, now)]

        ended = await self._coordinator.desk.transact(end)
        return [parcel for effects in ended for parcel in self._coordinator.parcels(effects)]
