"""Sends again what was never confirmed, reports what was never heard, and ends what is past its deadline."""

from __future__ import annotations

from typing import Final

from warren.coordination.coordinator import Coordinator
from warren.coordination.effects import Effects
from warren.coordination.lease import lease_of_outcome, leased
from warren.coordination.settlement import Incoming, result_of, unheard
from warren.ledger.outbox import Overdue, is_anything_stale, overdue, stale_unreported, stale_unsent
from warren.ledger.transaction import Transaction
from warren.messages.outcome import Expired

INTERVAL_S: Final = 0.5
STALE_AFTER_S: Final = 5.0
"""A publish that is on its way is confirmed long before; only a crash leaves something older."""
SWEEP_LIMIT: Final = 500

PAST_DEADLINE: Final = Expired(reason="its deadline passed")


class Sweeper:
    """Runs in every coordinator; what one takes on, the others leave alone for a while."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        self._clock = coordinator.clock
        self._desk = coordinator.desk

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await self._clock.sleep(INTERVAL_S)
            await self.sweep()

    async def sweep(self) -> None:
        """One round."""
        now = self._clock.now()
        await self._desk.write_notes()
        if await self._desk.read(lambda transaction: self._is_needed(transaction, now)):
            parcels = await self._coordinator.carry_again(lambda transaction: self._collect(transaction, now))
            await self._coordinator.send(parcels)

    def _is_needed(self, transaction: Transaction, now: float) -> bool:
        return is_anything_stale(transaction, now - STALE_AFTER_S, now, self._coordinator.realm)

    def _collect(self, transaction: Transaction, now: float) -> Effects:
        """Only what is ours: a broker may refuse to take from us what others are to send.

        What is on its way from here is left to others, who may have a better connection.
        """
        transaction.flush()
        realm = self._coordinator.realm
        effects = self._expire(transaction, overdue(transaction, now, SWEEP_LIMIT, realm), now)
        stale = stale_unsent(transaction, now - STALE_AFTER_S, now, SWEEP_LIMIT, realm)
        unsent = [each for each in stale if not self._desk.is_under_way(each.id)]
        effects.unsent += unsent
        transaction.append(*leased(unsent, now))
        for unreported in stale_unreported(transaction, now - STALE_AFTER_S, now, SWEEP_LIMIT, realm):
            if not self._desk.is_under_way(unreported.id):
                effects.ended += unheard(transaction, unreported.id)
                transaction.append(lease_of_outcome(unreported.id, now))
        return effects

    def _expire(self, transaction: Transaction, late: list[Overdue], now: float) -> Effects:
        effects = Effects()
        projects = [one.id for one in late if one.owner is None]
        for owner in transaction.lock(projects).values():
            if owner.status == "open":
                effects.add(self._coordinator.carrier.finish(transaction, owner, PAST_DEADLINE, now))
        results = [
            result_of(one, one.owner, PAST_DEADLINE, now, agent="sweeper") for one in late if one.owner is not None
        ]
        incoming = [Incoming(result, redelivered=False) for result in results]
        effects.add(self._coordinator.carrier.settle(transaction, incoming, now))
        return effects
