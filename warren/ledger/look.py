"""A look at a ledger from outside, which changes nothing: not even its schema."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from warren.errors import InvalidInput, LedgerUnavailable
from warren.ledger.ledger import FORMS
from warren.ledger.migration import HEAD, revision
from warren.ledger.postgres import PostgresLedger
from warren.ledger.sqlite import SqliteLedger
from warren.ledger.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen. `now_s` is the database's clock (Unix seconds); None where it is this machine's."""

    database: str
    revision: str | None
    now_s: float | None

    @property
    def wanted(self) -> str:
        """The revision that this version of Warren works with."""
        return HEAD


async def look(url: str) -> Look:
    """See how a ledger is. Raises LedgerUnavailable, and InvalidInput for a URL that is none."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise InvalidInput("ledger_url", f"the ledger's URL cannot be read; {FORMS}") from None
    if parsed.get_backend_name() == "sqlite":
        _check_file(parsed.database or "")
        return await _through(SqliteLedger(parsed.set(drivername="sqlite")))
    return await _through(PostgresLedger(parsed, pool_size=1))


def _check_file(name: str) -> None:
    """SQLite would make it."""
    if not Path(name).is_file():
        raise LedgerUnavailable(f"there is no file {name} yet; it is made when a role starts")


async def _through(ledger: SqliteLedger | PostgresLedger) -> Look:
    """Without entering it, for that would bring its schema up to date."""
    try:
        return await ledger.read(_seen)
    finally:
        await ledger.__aexit__(None, None, None)


def _seen(transaction: Transaction) -> Look:
    connection = transaction.connection
    found = revision(connection)
    if connection.dialect.name == "sqlite":
        version = connection.execute(text("SELECT sqlite_version()")).scalar_one()
        return Look(f"SQLite {version}", found, None)
    version, now_s = connection.execute(
        text("SELECT current_setting('server_version'), extract(epoch FROM clock_timestamp())::float8")
    ).one()
    return Look(f"PostgreSQL {version}", found, float(now_s))
