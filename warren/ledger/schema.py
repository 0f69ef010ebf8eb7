"""The tables, once, for SQLite and PostgreSQL.

Ids compare byte by byte (collation "C" on PostgreSQL), because the children of `X` are read as the range from `X/`
to `X0`: `0` is the character after `/`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, Table, Text, text
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
    sqlite_with_rowid=False,
)
Index(
    "tasks_open",
    tasks.c.created_at,
    postgresql_where=text("status = 'open'"),
    sqlite_where=text("status = 'open'"),
)
Index(
    "tasks_unreported",
    tasks.c.ended_at,
    postgresql_where=text("kind <> 'task' AND status <> 'open' AND reported_at IS NULL"),
    sqlite_where=text("kind <> 'task' AND status <> 'open' AND reported_at IS NULL"),
)
Index(
    "tasks_projects",
    tasks.c.created_at,
    postgresql_where=text("kind = 'project'"),
    sqlite_where=text("kind = 'project'"),
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
    sqlite_with_rowid=False,
)

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
