"""The ledger's door: opens the database, runs transactions, one after the other on SQLite, pooled on PostgreSQL.

The work inside a transaction is plain synchronous code. On SQLite it runs in one thread of its own, so that a whole
transaction costs one hop between threads instead of one for each statement; on PostgreSQL it runs over asyncpg.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from warren.errors import InvalidInput, LedgerUnavailable
from warren.ledger.migration import migrate
from warren.ledger.transaction import Transaction

T = TypeVar("T")
Work = Callable[[Transaction], T]

SQLITE_BUSY_TIMEOUT_S = 30.0


class Ledger(Protocol):
    """Runs work in transactions. An async context manager."""

    async def transact(self, work: Work[T]) -> T:
        """What `work` returns, once its writes are durable. Raises LedgerUnavailable; then nothing was written."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_ledger(url: str, *, inline: bool = False) -> Ledger:
    """The ledger behind a database URL: `sqlite:///path` or `postgresql://user:password@host/database`.

    `inline` runs SQLite's transactions on the event loop itself, for deterministic simulations. Raises InvalidInput
    for a URL that is neither; a password is never part of the message.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInput(
            "ledger_url", "the ledger's URL cannot be read; write sqlite:///path or postgresql://…"
        ) from None
    match parsed.get_backend_name():
        case "sqlite":
            return SqliteLedger(parsed.set(drivername="sqlite").render_as_string(hide_password=False), inline=inline)
        case "postgresql":
            return PostgresLedger(parsed.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False))
        case other:
            raise InvalidInput("ledger_url", f"{other!r} is not supported; write sqlite:///path or postgresql://…")


def run(connection: Connection, work: Work[T]) -> T:
    """`work` in the transaction that is open on this connection."""
    transaction = Transaction(connection)
    value = work(transaction)
    transaction.flush()
    return value


class SqliteLedger:
    """One file (or memory) in WAL mode; every commit is on disk before it returns."""

    def __init__(self, url: str, *, inline: bool = False) -> None:
        self._url = url
        self._engine: Engine | None = None
        self._thread = None if inline else ThreadPoolExecutor(1, thread_name_prefix="ledger")

    async def __aenter__(self) -> Self:
        await self._on_thread(self._open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._on_thread(self._close)
        if self._thread is not None:
            self._thread.shutdown(wait=True)

    async def transact(self, work: Work[T]) -> T:
        return await self._on_thread(lambda: self._transact(work))

    def _transact(self, work: Work[T]) -> T:
        assert self._engine is not None, "the ledger is not open"
        try:
            with self._engine.begin() as connection:
                return run(connection, work)
        except OperationalError as error:
            raise unavailable(error) from error

    def _open(self) -> None:
        self._engine = create_engine(self._url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_S})
        event.listen(self._engine, "connect", _prepare_sqlite)
        event.listen(self._engine, "begin", _begin_immediate)
        try:
            with self._engine.begin() as connection:
                migrate(connection)
        except OperationalError as error:
            raise unavailable(error) from error

    def _close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()

    async def _on_thread(self, call: Callable[[], T]) -> T:
        if self._thread is None:
            return call()
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


class PostgresLedger:
    """A PostgreSQL database over asyncpg."""

    def __init__(self, url: str, *, pool_size: int = 4) -> None:
        self._engine: AsyncEngine = create_async_engine(url, pool_size=pool_size, pool_pre_ping=True)

    async def __aenter__(self) -> Self:
        try:
            async with self._engine.begin() as connection:
                await connection.run_sync(migrate)
        except (DBAPIError, OSError) as error:
            await self._engine.dispose()
            raise unavailable(error) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._engine.dispose()

    async def transact(self, work: Work[T]) -> T:
        try:
            async with self._engine.begin() as connection:
                return await connection.run_sync(run, work)
        except OSError as error:
            raise unavailable(error) from error
        except DBAPIError as error:
            if error.connection_invalidated or isinstance(error, OperationalError):
                raise unavailable(error) from error
            raise


def unavailable(error: Exception) -> LedgerUnavailable:
    """The error in words, without statement, parameters or URL."""
    origin = getattr(error, "orig", None) or error
    return LedgerUnavailable(f"the ledger does not answer: {origin}")


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event says when a transaction starts
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
