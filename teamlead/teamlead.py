"""The team lead: takes assignments, plans their tasks, and reports their outcomes to whoever delegated them."""

from __future__ import annotations

from collections.abc import Sequence

from topology import names
from topology.cluster import Cluster
from warren.broker.port import Broker, Delivery
from warren.clock import Clock
from warren.coordination.coordinator import HEADROOM_BYTES, Coordinator, work_queues
from warren.coordination.effects import Effects
from warren.coordination.intake import dead_letter
from warren.coordination.parcel import Parcel
from warren.coordination.replica import Replica
from warren.coordination.settlement import sent_again
from warren.coordination.station import Station
from warren.errors import InvalidInput
from warren.ledger.ledger import Ledger
from warren.ledger.transaction import Transaction
from warren.messages.assignment import Assignment
from warren.messages.codec import decode
from warren.telemetry.telemetry import Telemetry


class TeamLead(Replica):
    """One replica of a team's lead; all replicas are equal."""

    def __init__(
        self,
        broker: Broker,
        ledger: Ledger,
        clock: Clock,
        cluster: Cluster,
        team: str,
        telemetry: Telemetry | None = None,
    ) -> None:
        telemetry = telemetry or Telemetry.silent("teamlead")
        self._coordinator = Coordinator(broker, ledger, clock, cluster, telemetry, team)
        queues = {names.lead_queue(team): self.accept, names.lead_results_queue(team): self._coordinator.settle}
        self._station = Station(broker, self._coordinator, queues, work_queues(cluster, team))

    async def accept(self, batch: Sequence[Delivery]) -> list[Parcel]:
        """Start the plans of a batch of assignments; one that is known already is not started again."""
        assignments: dict[str, bool] = {}
        parcels: list[Parcel] = []
        for delivery in batch:
            try:
                message = decode(Assignment, delivery.body, self._coordinator.limit_bytes + HEADROOM_BYTES)
                assignments[message.id] = delivery.redelivered or assignments.get(message.id, False)
            except InvalidInput as error:
                parcels.append(dead_letter(delivery, error, self._coordinator.clock.now()))
        return parcels + await self._coordinator.carry(lambda transaction: self._begin(transaction, assignments))

    def _begin(self, transaction: Transaction, assignments: dict[str, bool]) -> Effects:
        effects = Effects()
        for owner in transaction.lock(list(assignments)).values():
            if owner.status == "open" and owner.started_at is None:
                effects.add(self._coordinator.carrier.begin(transaction, owner, self._coordinator.clock.now()))
            elif assignments[owner.id]:
                effects.add(sent_again(transaction, owner, effects))
                effects.begun += [owner] if owner.status == "open" else []  # that it began may not have been told
        return effects
