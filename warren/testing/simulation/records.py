"""A process's way to the ledger, on which the process or the database may fail at any point."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from warren.errors import LedgerUnavailable
from warren.ledger.ledger import Ledger
from warren.ledger.transaction import Transaction
from warren.ledger.work import T, Work
from warren.testing.simulation.fuse import Fuse
from warren.testing.simulation.weather import Weather


class Records:
    """The shared ledger, seen from one process."""

    def __init__(self, ledger: Ledger, weather: Weather, fuse: Fuse) -> None:
        self._ledger = ledger
        self._weather = weather
        self._fuse = fuse

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def transact(self, work: Work[T]) -> T:
        self._fuse.step("begins a transaction")
        await self._weather.pause()
        self._check_up()
        value = await self._ledger.transact(lambda transaction: self._worked(transaction, work))
        self._fuse.step("has committed")
        await self._weather.pause()
        if self._weather.strikes(0.02):
            raise LedgerUnavailable("the connection went while it was being committed")
        return value

    async def read(self, work: Work[T]) -> T:
        await self._weather.pause()
        self._check_up()
        return await self._ledger.read(work)

    def _worked(self, transaction: Transaction, work: Work[T]) -> T:
        value = work(transaction)
        transaction.flush()
        self._fuse.step("is about to commit")
        return value

    def _check_up(self) -> None:
        if self._weather.ledger_is_down:
            raise LedgerUnavailable("the database is down")
