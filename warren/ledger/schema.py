"""The tables, once, for SQLite and PostgreSQL.

Ids compare byte by byte (collation "C" on PostgreSQL), because the children of `X` are read as the range from `X/`
to `X0`: `0` is the character after `/`.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    literal_column,
    text,
    true,
)
from sqlalchemy.types import TypeEngine

metadata: Final = MetaData()

_Seq: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")


def _id(name: str, *, primary_key: bool = False, nullable: bool = False) -> Column[str]:
    kind = Text().with_variant(Text(collation="C"), "postgresql")
    return Column(name, kind, primary_key=primary_key, nullable=nullable)


events: Final = Table(
    "events",
    metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("at", Float(53), nullable=False),
    _id("project"),
    _id("subject"),
    Column("type", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("events_by_project", "project", "seq"),
)

tasks: Final = Table(
    "tasks",
    metadata,
    _id("id", primary_key=True),
    _id("owner", nullable=True),
    _id("parent", nullable=True),
    Column("position", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("team", Text),
    Column("skill", Text),
    Column("status", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("deadline_at", Float(53)),
    Column("input", Text, nullable=False),
    Column("output", Text),
    Column("error", Text),
    Column("agent", Text),
    Column("created_at", Float(53), nullable=False),
    Column("dispatched_at", Float(53)),
    Column("started_at", Float(53)),
    Column("ended_at", Float(53)),
    Column("reported_at", Float(53)),
    Column("history", Text),
    Column("replays", Integer, nullable=False, server_default="0"),
    Column("not_before_at", Float(53)),
    Column("leased_until", Float(53)),
    sqlite_with_rowid=False,
)
IS_OPEN: Final = tasks.c.status == literal_column("'open'")
HAS_ENDED: Final = tasks.c.status != literal_column("'open'")
IS_PROJECT: Final = tasks.c.kind == literal_column("'project'")
IS_COORDINATED: Final = tasks.c.kind != literal_column("'task'")
"""Conditions of the partial indexes. Their values are literal in queries too: a database can only use such an index
for a condition that it knows when it plans the statement."""


def _partial_index(name: str, column: Column[Any], where: str) -> None:
    Index(name, column, postgresql_where=text(where), sqlite_where=text(where))


_partial_index("tasks_open", tasks.c.created_at, "status = 'open'")
_partial_index("tasks_deadline", tasks.c.deadline_at, "status = 'open' AND deadline_at IS NOT NULL")
_partial_index("tasks_unreported", tasks.c.ended_at, "kind <> 'task' AND status <> 'open' AND reported_at IS NULL")
_partial_index("tasks_projects", tasks.c.created_at, "kind = 'project'")
_partial_index(
    "tasks_waiting", tasks.c.not_before_at, "status = 'open' AND dispatched_at IS NULL AND not_before_at IS NOT NULL"
)

plans: Final = Table(
    "plans",
    metadata,
    _id("id", primary_key=True),
    Column("plan", Text, nullable=False),
    Column("report_to", Text, nullable=False),
    Column("playbook", Text),
    Column("reply_to", Text),
    Column("correlation_id", Text),
    Column("fingerprint", Text),
    Column("labels", Text),
    Column("trace", Text),
    Column("to_trace", Boolean),
    Column("retold", Integer, nullable=False, server_default="0"),
    Column("reopened_at", Float(53)),
    sqlite_with_rowid=False,
)
IS_TO_TRACE: Final = plans.c.to_trace.is_(true())
Index("plans_to_trace", plans.c.id, postgresql_where=text("to_trace IS TRUE"), sqlite_where=text("to_trace IS 1"))

nodes: Final = Table(
    "nodes",
    metadata,
    _id("path", primary_key=True),
    _id("owner"),
    _id("parent"),
    Column("position", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("output", Text),
    Column("error", Text),
    Column("started_at", Float(53), nullable=False),
    Column("ended_at", Float(53)),
    sqlite_with_rowid=False,
)

PROJECTIONS: Final = (tasks, plans, nodes)
