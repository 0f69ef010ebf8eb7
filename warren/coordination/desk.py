"""Where a coordinator works: the ledger, the broker, and what still has to be written down about confirmed messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from warren.broker.port import Broker
from warren.clock import Clock
from warren.coordination.parcel import Parcel
from warren.errors import BrokerUnavailable, LedgerUnavailable, PublishFailed
from warren.ledger.event import Dispatched, LedgerEvent, Reported
from warren.ledger.ledger import Ledger
from warren.ledger.transaction import Transaction
from warren.log import get_logger
from warren.telemetry import contract
from warren.telemetry.metrics import Metrics

T = TypeVar("T")

RETRY_LEDGER_MAX_S = 2.0
UNDER_WAY_S = 60.0
"""A publish gives up long before."""

log = get_logger("warren.coordination")


class Desk:
    """Transactions that outlast an outage of the ledger, and publishes that are noted once they are confirmed."""

    def __init__(self, broker: Broker, ledger: Ledger, clock: Clock, metrics: Metrics | None = None) -> None:
        self.broker = broker
        self.metrics = metrics or Metrics()
        self.clock = clock
        self._ledger = ledger
        self._notes: list[LedgerEvent] = []
        self._ledger_trouble: str | None = None
        self._under_way: dict[str, float] = {}

    @property
    def waiting_for(self) -> str | None:
        """What keeps the ledger from being used, in words; None when all is well."""
        return self._ledger_trouble

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        """`work` in a transaction, tried until the ledger answers; what was confirmed meanwhile is noted with it."""
        notes, self._notes = self._notes, []
        began_s = self.clock.now()

        def noted(transaction: Transaction) -> T:
            transaction.append(*notes)
            return work(transaction)

        try:
            async for attempt in self._patiently():
                with attempt:
                    value = await self._ledger.transact(noted)
        except BaseException:
            self._notes = notes + self._notes
            raise
        self._ledger_trouble = None
        self.metrics.observe(contract.LEDGER_DURATION, self.clock.now() - began_s)
        return value

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """What `work` reads, tried until the ledger answers."""
        async for attempt in self._patiently():
            with attempt:
                value = await self._ledger.read(work)
        self._ledger_trouble = None
        return value

    def is_under_way(self, task_id: str) -> bool:
        """Whether this process is about to send it, or waits for its confirm; a slow broker needs no second copy."""
        return self._under_way.get(task_id, 0.0) > self.clock.now()

    def hold(self, parcels: Iterable[Parcel]) -> None:
        """They will be sent, unless what they are part of fails as a whole: so this is forgotten after a while."""
        until = self.clock.now() + UNDER_WAY_S
        self._under_way.update((each, until) for parcel in parcels for each in _ids(parcel))

    def _let_go(self, parcels: Iterable[Parcel]) -> None:
        for parcel in parcels:
            for each in _ids(parcel):
                self._under_way.pop(each, None)

    async def send(self, parcels: Sequence[Parcel]) -> list[Parcel]:
        """Publish; what the broker does not take stays unsent in the ledger, and the sweeper tries again.

        Returns those that were not taken. It is for the caller to see to those among them that are `impossible`.
        """
        if not parcels:
            return []
        try:
            failed = await self._publish(parcels)
        finally:
            self._let_go(parcels)
        lost = [parcels[position] for position in sorted(failed)]
        unheard = {owner for parcel in lost for owner in parcel.reported}
        self._note((parcel for position, parcel in enumerate(parcels) if position not in failed), unheard)
        return lost

    async def _publish(self, parcels: Sequence[Parcel]) -> set[int]:
        """The positions of those that were not taken."""
        try:
            await self.broker.publish([parcel.message for parcel in parcels])
        except PublishFailed as error:
            for position, why in error.impossible.items():
                parcels[position].impossible = why
            return self._not_taken(parcels, error)
        except BrokerUnavailable as error:
            log.warning("the broker cannot be reached; messages will be sent again", reason=str(error))
            return set(range(len(parcels)))
        return set()

    @staticmethod
    def _not_taken(parcels: Sequence[Parcel], error: PublishFailed) -> set[int]:
        """What must be sent again. Not what nobody has to hear: the queue of a client that does not read its replies
        is full, and to try again and again would keep us from those that do.
        """
        never = set(error.impossible)
        if never:
            log.warning("the broker will never take some messages", messages=len(never), reason=str(error))
        unheard = {position for position in error.refused if not parcels[position].message.mandatory} - never
        if unheard:
            log.warning("queues of others are full; their owners can still ask", messages=len(unheard))
        failed = {*error.unroutable, *error.refused, *error.unconfirmed} - unheard
        if failed - never:
            log.warning("not all messages were taken; they will be sent again", reason=str(error))
        return failed

    def note(self, events: Iterable[LedgerEvent]) -> None:
        """Have them written with the next transaction, or when the notes are."""
        self._notes += events

    async def write_notes(self) -> None:
        """Note what was confirmed, if no transaction has taken it along."""
        if self._notes:
            await self.transact(lambda _: None)

    def _note(self, parcels: Iterable[Parcel], unheard: set[str]) -> None:
        """`unheard` are owners whose outcome has not reached everybody that it should."""
        now = self.clock.now()
        dispatched: dict[tuple[str, int], list[str]] = {}
        reported: dict[tuple[str, int], list[str]] = {}
        for parcel in parcels:
            if parcel.dispatched:
                dispatched.setdefault((parcel.owner, parcel.replay), []).extend(parcel.dispatched)
            if parcel.reported and unheard.isdisjoint(parcel.reported):
                reported[parcel.owner, parcel.replay] = parcel.reported
        self._notes += [Dispatched(owner, now, ids, replay) for (owner, replay), ids in dispatched.items()]
        self._notes += [Reported(owner, now, ids, replay) for (owner, replay), ids in reported.items()]

    def _patiently(self) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception_type(LedgerUnavailable),
            wait=wait_random_exponential(multiplier=0.05, max=RETRY_LEDGER_MAX_S),
            sleep=self.clock.sleep,
            before_sleep=lambda state: self._complain(state.outcome.exception() if state.outcome else None),
        )

    def _complain(self, error: BaseException | None) -> None:
        if self._ledger_trouble is None:
            log.warning("the ledger does not answer; waiting for it", reason=str(error))
        self._ledger_trouble = str(error)


def _ids(parcel: Parcel) -> Iterable[str]:
    return chain(parcel.dispatched, parcel.reported)
