"""Wakes what has to wait for its time: delayed tasks, replays at a rate, and projects that begin later.

Their time stands in the ledger, so a crash forgets nothing; whoever planned them wakes up in time, and others look
for what is due every half second.
"""

from __future__ import annotations

from typing import Final

from topology.names import DIRECTOR
from warren.coordination.coordinator import Coordinator
from warren.coordination.effects import Effects
from warren.coordination.lease import leased
from warren.ledger.outbox import due, due_projects, next_due
from warren.ledger.transaction import Transaction

INTERVAL_S: Final = 0.5
LIMIT: Final = 500
SHORTEST_S: Final = 0.002
"""What is due at almost the same time goes together."""


class Alarm:
    """Runs in every coordinator; what one takes on, the others leave alone."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    async def run(self) -> None:
        """Wake up in time, until cancelled."""
        agenda = self._coordinator.agenda
        while True:
            await agenda.wait(SHORTEST_S, INTERVAL_S)
            agenda.clear()
            agenda.expect(await self._coordinator.desk.read(self._next_due))
            if agenda.is_due:
                await self.ring()

    async def ring(self) -> None:
        """Send what is due."""
        now = self._coordinator.clock.now()
        parcels = await self._coordinator.carry_again(lambda transaction: self._take_on(transaction, now))
        await self._coordinator.send(parcels)

    def _next_due(self, transaction: Transaction) -> float | None:
        return next_due(transaction, self._coordinator.realm)

    def _take_on(self, transaction: Transaction, now: float) -> Effects:
        transaction.flush()
        effects = self._begun(transaction, now) if self._coordinator.realm == DIRECTOR else Effects()
        unsent = due(transaction, now, LIMIT, self._coordinator.realm)
        transaction.append(*leased(unsent, now))
        effects.unsent += unsent
        transaction.flush()
        effects.wait(self._next_due(transaction))
        return effects

    def _begun(self, transaction: Transaction, now: float) -> Effects:
        effects = Effects()
        for owner in transaction.lock(due_projects(transaction, now, LIMIT)).values():
            if owner.status == "open" and owner.started_at is None:
                effects.add(self._coordinator.carrier.begin(transaction, owner, now))
        return effects
