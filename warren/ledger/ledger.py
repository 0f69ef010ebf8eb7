"""The ledger's door: which database a URL means, and what one can do with it."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from warren.errors import InvalidInput
from warren.ledger.work import T, Work

FORMS = "write sqlite:///path or postgresql://user:password@host/database"


class Ledger(Protocol):
    """Runs work in transactions. An async context manager, which brings the schema up to date when entered."""

    async def transact(self, work: Work[T]) -> T:
        """What `work` returns, once its writes are durable.

        Raises LedgerUnavailable: then nothing was written, or, if the connection went while it was being committed,
        perhaps all. Trying again is right in both cases, for all work is idempotent. Raises InvalidInput for a value
        that the database cannot store.
        """

    async def read(self, work: Work[T]) -> T:
        """What `work` returns, of one moment; it writes nothing, and no writer waits for it."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def sqlite_url(file: Path) -> str:
    """The URL of a ledger in a file, whatever characters its path has."""
    return URL.create("sqlite", database=str(file)).render_as_string()


def open_ledger(url: str, *, inline: bool = False) -> Ledger:
    """The ledger behind a database URL: `sqlite:///path` or `postgresql://user:password@host/database`.

    `inline` runs SQLite's transactions on the event loop itself, for deterministic simulations; they are one process
    and may have a ledger in memory. Raises InvalidInput for a URL that is neither; a password is never part of the
    message.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise InvalidInput("ledger_url", f"the ledger's URL cannot be read; {FORMS}") from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.database in {None, "", ":memory:"} and not inline:
            reason = "a ledger in memory would be each process's own, and gone with it"
            raise InvalidInput("ledger_url", f"{reason}; name a file: sqlite:///path")
        case "sqlite":
            from warren.ledger.sqlite import SqliteLedger

            return SqliteLedger(parsed.set(drivername="sqlite"), inline=inline)
        case "postgresql" | "postgres":
            from warren.ledger.postgres import PostgresLedger

            return PostgresLedger(parsed)
        case other:
            raise InvalidInput("ledger_url", f"a ledger in {other!r} is not supported; {FORMS}")
