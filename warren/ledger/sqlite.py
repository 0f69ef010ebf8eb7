"""The ledger in one SQLite file (or in memory), for one machine.

The work of a transaction runs in one thread of its own, so that a whole transaction costs one hop between threads
instead of one for each statement. What only reads has another one: no reader waits for writers, nor they for it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, Engine

from warren.errors import InvalidInput
from warren.ledger.migration import migrate
from warren.ledger.outage import sqlite_explained
from warren.ledger.turnstile import Turnstile, ask_until
from warren.ledger.work import T, Work, carry_out, look_up

BUSY_TIMEOUT_S: Final = 30.0
WAL_BYTES: Final = 1000 * 4096
"""What SQLite lets the write-ahead log grow to before it starts again at its beginning."""

_SNAPSHOT: Final = "warren_snapshot"


class SqliteLedger:
    """One file in WAL mode; every commit is on disk before it returns."""

    def __init__(self, url: URL, *, inline: bool = False) -> None:
        self._path = _path(url)
        self._engine: Engine = create_engine(
            url, connect_args={"timeout": BUSY_TIMEOUT_S}, hide_parameters=True, pool_reset_on_return=None
        )
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", self._begin)
        self._snapshots = self._engine.execution_options(**{_SNAPSHOT: True})
        self._place = f"in {self._path or 'memory'}"
        self._turnstile: Turnstile | None = None
        self._thread = None if inline else ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._reading = self._thread  # a database in memory is one connection's, and that is one thread's
        if self._thread is not None and self._path is not None:
            self._reading = ThreadPoolExecutor(1, thread_name_prefix="ledger reading")

    async def __aenter__(self) -> Self:
        try:
            await self._on_thread(self._open)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reading is not None:
            await self._on(self._reading, lambda: None)  # what is being read is read to its end
        await self._on_thread(self._close)
        for thread in {self._thread, self._reading} - {None}:
            assert thread is not None
            thread.shutdown(wait=True)

    async def transact(self, work: Work[T]) -> T:
        return await self._on_thread(lambda: self._transact(work))

    async def read(self, work: Work[T]) -> T:
        return await self._on(self._reading, lambda: self._read(work))

    def _transact(self, work: Work[T]) -> T:
        with sqlite_explained(self._place), self._engine.begin() as connection:
            return carry_out(connection, work)

    def _read(self, work: Work[T]) -> T:
        with sqlite_explained(self._place), self._snapshots.begin() as connection:
            return look_up(connection, work)

    def _open(self) -> None:
        with sqlite_explained(self._place, opening=True):
            if self._path is not None:
                self._turnstile = _turnstile(self._path)
            with self._engine.begin() as connection:
                migrate(connection)
            self._grow_log()

    def _close(self) -> None:
        self._engine.dispose()
        if self._turnstile is not None:
            self._turnstile.close()
            self._turnstile = None

    def _begin(self, connection: Connection) -> None:
        raw: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        if connection.get_execution_options().get(_SNAPSHOT):
            raw.execute("BEGIN")
            return
        with self._turnstile.queued() if self._turnstile else nullcontext():
            _begin_immediate(raw)

    def _grow_log(self) -> None:
        """Write the log to its full length once, for a commit that makes a file longer takes much longer to sync."""
        if self._path is None or _size(self._path.with_name(self._path.name + "-wal")) >= WAL_BYTES:
            return
        with self._engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS log_filler (content BLOB)")
            connection.exec_driver_sql("INSERT INTO log_filler VALUES (zeroblob(?))", (WAL_BYTES,))
        with self._engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE IF EXISTS log_filler")
        with self._engine.connect() as connection:
            raw: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
            raw.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()

    async def _on_thread(self, call: Callable[[], T]) -> T:
        return await self._on(self._thread, call)

    @staticmethod
    async def _on(thread: ThreadPoolExecutor | None, call: Callable[[], T]) -> T:
        """Whoever is cancelled meanwhile still waits for what has begun: he may have to answer for what it has done."""
        if thread is None:
            return call()
        job = thread.submit(call)
        answer = asyncio.wrap_future(job)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            if not job.cancel():
                await asyncio.wait({answer})
            raise


def _path(url: URL) -> Path | None:
    """The file, or None for a database in memory."""
    name = url.database or ":memory:"
    return None if name == ":memory:" or name.startswith("file:") else Path(name)


def _turnstile(path: Path) -> Turnstile:
    """The queue beside the file, in a folder that is made if need be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return Turnstile(path.with_name(path.name + "-turn"))
    except OSError as error:
        reason = f"{error.strerror}: {error.filename}"
        raise InvalidInput("ledger_url", f"the folder of the ledger's file cannot be used: {reason}") from None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event says when a transaction starts
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA temp_store=MEMORY")


def _begin_immediate(connection: sqlite3.Connection) -> None:
    """Start to write. Raises sqlite3.OperationalError if that is not to be had in time."""
    connection.execute("PRAGMA busy_timeout=0")
    try:
        if not ask_until(lambda: _begun(connection), BUSY_TIMEOUT_S):
            connection.execute("BEGIN IMMEDIATE")
    finally:
        connection.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_S * 1000)}")


def _begun(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
