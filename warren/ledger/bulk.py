"""Statements for many rows at once, at the driver's own price.

SQLAlchemy writes the statement, once for each dialect; the rows then go to the driver as tuples, without the work on
each parameter that would cost more than the database itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Insert, Update

from warren.ledger.event import Row

Pick = Callable[[Row], tuple[Any, ...]]


class Bulk:
    """One INSERT or UPDATE of rows that have (at least) the keys `parameters`."""

    def __init__(self, statement: Insert | Update, parameters: Sequence[str]) -> None:
        self._statement: Final = statement
        self._parameters: Final = list(parameters)
        self._written: Final[dict[str, tuple[str, Pick]]] = {}

    def execute(self, connection: Connection, rows: Iterable[Row]) -> None:
        """Run it for all rows; for none, do nothing."""
        text, pick = self._written.get(connection.dialect.name) or self._write(connection.dialect)
        if values := [pick(row) for row in rows]:
            connection.exec_driver_sql(text, values)

    def _write(self, dialect: Dialect) -> tuple[str, Pick]:
        compiled = self._statement.compile(dialect=dialect, column_keys=self._parameters)
        assert compiled.positiontup is not None, "both drivers take parameters by position"
        written = self._written[dialect.name] = (str(compiled), itemgetter(*compiled.positiontup))
        return written
