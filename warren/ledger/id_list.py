"""A list of ids as one parameter of a statement, so that the statement's text is the same however long the list is.

An expanding IN would be a new text for each length, which every layer below would have to compile and prepare again.
"""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import ARRAY, Boolean, Column, ColumnElement, Dialect, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine

from warren.messages.codec import to_json


class _Ids(TypeDecorator[list[str]]):
    """An array on PostgreSQL, JSON text on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        return value if dialect.name == "postgresql" else to_json(value)


class _IsAmong(FunctionElement[bool]):
    """`column` is one of the ids in a parameter."""

    name = "is_among"
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> Self:
        """As it is: SQLAlchemy would compare it with 1 on SQLite, which then reads the whole table."""
        del against
        return self


def is_among(column: Column[str], parameter: str) -> ColumnElement[bool]:
    """Whether the column holds one of the ids that are given as `parameter`, a list."""
    return _IsAmong(column, bindparam(parameter, type_=_Ids()))


@compiles(_IsAmong, "sqlite")
def _for_sqlite(element: _IsAmong, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608 - both parts come from the compiler


@compiles(_IsAmong, "postgresql")
def _for_postgresql(element: _IsAmong, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY ({ids})"
