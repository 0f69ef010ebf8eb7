import sqlite3

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from warren.errors import InvalidInput, LedgerUnavailable
from warren.ledger.outage import of_postgres, of_sqlite
from warren.ledger.postgres import PostgresLedger

PLACE = "at db:5432/w"


def sqlite_error(code, words="went wrong"):
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return OperationalError("SELECT secret", {"a": "geheim"}, error)


class Refusal(Exception):
    """A driver's error, as asyncpg raises them."""

    def __init__(self, sqlstate, words="went wrong"):
        super().__init__(words)
        self.sqlstate = sqlstate


def postgres_error(sqlstate, words="went wrong"):
    return OperationalError("SELECT secret", {"a": "geheim"}, Refusal(sqlstate, words))


@pytest.mark.parametrize(
    "code",
    [
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_BUSY_SNAPSHOT,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CORRUPT,
    ],
)
def test_sqlite_may_answer_later(code):
    explained = of_sqlite(sqlite_error(code), PLACE)
    assert isinstance(explained, LedgerUnavailable)
    assert str(explained) == "the ledger at db:5432/w does not answer: went wrong"


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_CANTOPEN_ISDIR, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY_DIRECTORY]
)
def test_a_file_that_cannot_be_opened_is_a_mistake_in_the_settings(code):
    assert isinstance(of_sqlite(sqlite_error(code), PLACE, opening=True), InvalidInput)


def test_a_busy_file_is_no_mistake_in_the_settings():
    assert isinstance(of_sqlite(sqlite_error(sqlite3.SQLITE_BUSY), PLACE, opening=True), LedgerUnavailable)


def test_an_error_of_ours_stays_what_it_is():
    mistake = sqlite_error(sqlite3.SQLITE_ERROR, "no such table")
    assert of_sqlite(mistake, PLACE) is mistake
    twice = IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE constraint failed"))
    assert of_sqlite(twice, PLACE) is twice
    wrong = postgres_error("42P01")
    assert of_postgres(wrong, PLACE) is wrong


@pytest.mark.parametrize("error", [OverflowError("int too large"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no")])
def test_a_value_that_cannot_be_stored_is_the_senders_mistake(error):
    assert of_sqlite(error, PLACE).code == "not_storable"
    assert of_postgres(postgres_error("22021"), PLACE).code == "not_storable"


@pytest.mark.parametrize(
    "sqlstate", ["08006", "40001", "40P01", "53100", "53300", "57P01", "57P03", "58030", "25006", "55P03", "23505"]
)
def test_postgresql_may_answer_later(sqlstate):
    explained = of_postgres(postgres_error(sqlstate, "first line\nDETAIL: Key (id)=(geheim) exists"), PLACE)
    assert str(explained) == "the ledger at db:5432/w does not answer: first line"
    assert isinstance(explained, LedgerUnavailable)


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "refused"), TimeoutError(), PoolExhausted("no room")])
def test_a_server_that_cannot_be_reached_may_be_there_later(error):
    assert isinstance(of_postgres(error, PLACE), LedgerUnavailable)
    assert isinstance(of_postgres(error, PLACE, opening=True), LedgerUnavailable)


@pytest.mark.parametrize("sqlstate", ["28P01", "28000", "3D000", "42501"])
def test_who_may_not_enter_must_change_the_settings_but_one_who_was_inside_waits(sqlstate):
    assert isinstance(of_postgres(postgres_error(sqlstate), PLACE, opening=True), InvalidInput)
    assert isinstance(of_postgres(postgres_error(sqlstate), PLACE), LedgerUnavailable)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://me:hunter2@db.example:6543/warren", "at db.example:6543/warren"),
        ("postgresql://me:hunter2@db.example/warren", "at db.example/warren"),
        ("postgresql://me:hunter2@[::1]:5432/warren", "at [::1]:5432/warren"),
        ("postgresql://me:hunter2@/warren?host=/run/postgresql", "at /run/postgresql/warren"),
        ("postgresql://me:hunter2@/warren?host=one:5432&host=two:5432", "at one:5432, two:5432/warren"),
    ],
)
def test_a_server_is_named_without_who_asks_it(url, place):
    assert PostgresLedger(make_url(url))._place == place


async def test_a_server_that_is_not_there_is_named_and_the_password_is_not():
    ledger = PostgresLedger(make_url("postgresql://me:hunter2@127.0.0.1:1/warren"))
    with pytest.raises(LedgerUnavailable, match=r"the ledger at 127\.0\.0\.1:1/warren does not answer: ") as caught:
        async with ledger:
            pass
    assert "hunter2" not in str(caught.value)
