"""What runs in a transaction: plain synchronous code, the same for both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from warren.ledger.transaction import Transaction

T = TypeVar("T")
Work = Callable[[Transaction], T]


def carry_out(connection: Connection, work: Work[T]) -> T:
    """`work` in the transaction that is open on this connection."""
    transaction = Transaction(connection)
    value = work(transaction)
    transaction.flush()
    return value


def look_up(connection: Connection, work: Work[T]) -> T:
    """`work` that only reads."""
    transaction = Transaction(connection)
    value = work(transaction)
    assert not transaction.has_pending, "a reading transaction cannot write"
    return value
