"""The projection as it follows from the events, made again from nothing in a file of its own.

A file instead of tables beside the live ones: replaying then neither writes to the ledger nor keeps anybody waiting,
and a history longer than memory is no trouble. It is SQLite whatever the ledger is in, since the code that projects
is the same for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError

from warren.errors import InvalidInput
from warren.ledger.event import LedgerEvent
from warren.ledger.history import NOW, Until, history
from warren.ledger.ledger import sqlite_url
from warren.ledger.projection import project
from warren.ledger.schema import PROJECTIONS, metadata


@contextmanager
def scratch() -> Iterator[Connection]:
    """An empty projection, gone afterwards."""
    with TemporaryDirectory(prefix="warren-replay-", ignore_cleanup_errors=True) as folder:
        engine = create_engine(sqlite_url(Path(folder) / "projection.sqlite3"), hide_parameters=True)
        try:
            with engine.connect() as connection:
                for pragma in ("journal_mode=OFF", "synchronous=OFF", "temp_store=MEMORY"):
                    connection.exec_driver_sql(f"PRAGMA {pragma}")
                metadata.create_all(connection, tables=list(PROJECTIONS))
                yield connection
        finally:
            engine.dispose()


def replay(source: Connection, target: Connection, until: Until = NOW) -> int:
    """Apply all events of one database to an empty projection in another; how many there were."""
    count = 0
    for seq, event in history(source, until):
        _apply(target, seq, event)
        count += 1
    return count


def _apply(target: Connection, seq: int, event: LedgerEvent) -> None:
    try:
        project(target, [event])
    except (DBAPIError, KeyError, TypeError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else f"{type(error).__name__}: {error}"
        raise InvalidInput(
            "damaged_event", f"event {seq} of the ledger ({event.TYPE}) does not fit those before it: {reason}"
        ) from None
