"""What a database's errors mean: try again later, a setting that cannot work, a value that cannot be stored, or a bug.

The words are the place (a file, or host, port and database) and the database's own first line. Statement, parameters,
user and password stay out of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from warren.errors import InvalidInput, LedgerUnavailable

_SQLITE_LATER: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_SQLITE_UNUSABLE: Final = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
    }
)

_POSTGRES_LATER: Final = (
    "08",  # the connection
    "40",  # serialization failure, deadlock: the transaction was rolled back
    "53",  # out of disk, memory or connections
    "57",  # the server is starting or stopping, or an operator ended the session
    "58",  # an error of its operating system
    "23505",  # two transactions wrote the same new row: the second one finds it when it tries again
    "25006",  # a standby that does not write, until the failover is over
    "55P03",  # a lock was not to be had in time
)
_POSTGRES_UNUSABLE: Final = (
    "28",  # user or password
    "3D000",  # no such database
    "42501",  # no permission
)
_POSTGRES_VALUE: Final = "22"


@contextmanager
def sqlite_explained(place: str, *, opening: bool = False) -> Iterator[None]:
    """Raises what SQLite's errors are to us, instead of them; `place` names the file."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
        explained = of_sqlite(error, place, opening=opening)
        if explained is error:
            raise
        raise explained from None


@contextmanager
def postgres_explained(place: str, *, opening: bool = False) -> Iterator[None]:
    """Raises what the errors of PostgreSQL, its driver and the network are to us, instead of them.

    `place` names host, port and database.
    """
    import asyncpg

    settings = (TypeError, ValueError) if opening else ()
    try:
        yield
    except (DBAPIError, PoolExhausted, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, *settings) as error:
        explained = of_postgres(error, place, opening=opening)
        if explained is error:
            raise
        raise explained from None


def of_sqlite(error: Exception, place: str, *, opening: bool = False) -> Exception:
    """The error that SQLite's error is to us; itself if it can only be a bug."""
    origin = _origin(error)
    if isinstance(origin, OverflowError | UnicodeEncodeError):
        return _not_storable()
    code = getattr(origin, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if opening and code in _SQLITE_UNUSABLE:
        return InvalidInput(
            "ledger_url", f"the ledger {place} cannot be used: {_words(origin)}; name a file that this user may write"
        )
    if code in _SQLITE_LATER | _SQLITE_UNUSABLE:
        return _later(origin, place)
    return error


def of_postgres(error: Exception, place: str, *, opening: bool = False) -> Exception:
    """The error that PostgreSQL's, its driver's or the network's error is to us; itself if it can only be a bug."""
    origin = _origin(error)
    state = str(getattr(origin, "sqlstate", None) or "")
    if opening and (state.startswith(_POSTGRES_UNUSABLE) or isinstance(origin, TypeError | ValueError)):
        return InvalidInput("ledger_url", f"the ledger {place} cannot be used: {_words(origin)}")
    if state.startswith(_POSTGRES_VALUE):
        return _not_storable()
    lost = isinstance(origin, OSError | PoolExhausted) or getattr(error, "connection_invalidated", False)
    if lost or state.startswith(_POSTGRES_LATER + _POSTGRES_UNUSABLE):
        return _later(origin, place)
    return error


def _origin(error: BaseException) -> BaseException:
    """The driver's own error, below what SQLAlchemy wraps around it."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def _words(error: BaseException) -> str:
    if type(error) is TimeoutError and not error.args:
        return "no answer in time"
    text = str(error.args[0]) if error.args and isinstance(error.args[0], str) else str(error)
    return text.partition("\n")[0] or type(error).__name__


def _later(error: BaseException, place: str) -> LedgerUnavailable:
    return LedgerUnavailable(f"the ledger {place} does not answer: {_words(error)}")


def _not_storable() -> InvalidInput:
    return InvalidInput(
        "not_storable",
        "the ledger's database cannot store a value: a number is out of its range, or a text has a NUL or half a "
        "surrogate pair",
    )
