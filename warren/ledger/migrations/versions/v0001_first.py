"""The first schema: events, and the projection of tasks, plans and nodes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SECONDS = sa.Float(53)


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("seq", SEQ, primary_key=True, autoincrement=True),
        sa.Column("at", SECONDS, nullable=False),
        sa.Column("project", ID, nullable=False),
        sa.Column("subject", ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
    )
    op.create_index("events_by_project", "events", ["project", "seq"])
    op.create_table(
        "tasks",
        sa.Column("id", ID, primary_key=True),
        sa.Column("owner", ID),
        sa.Column("parent", ID),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("team", sa.Text()),
        sa.Column("skill", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("deadline_at", SECONDS),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("output", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("agent", sa.Text()),
        sa.Column("created_at", SECONDS, nullable=False),
        sa.Column("dispatched_at", SECONDS),
        sa.Column("started_at", SECONDS),
        sa.Column("ended_at", SECONDS),
        sa.Column("reported_at", SECONDS),
        sqlite_with_rowid=False,
    )
    _partial_index("tasks_open", "created_at", "status = 'open'")
    _partial_index("tasks_deadline", "deadline_at", "status = 'open' AND deadline_at IS NOT NULL")
    _partial_index("tasks_unreported", "ended_at", "kind <> 'task' AND status <> 'open' AND reported_at IS NULL")
    _partial_index("tasks_projects", "created_at", "kind = 'project'")
    op.create_table(
        "plans",
        sa.Column("id", ID, primary_key=True),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("report_to", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text()),
        sa.Column("reply_to", sa.Text()),
        sa.Column("correlation_id", sa.Text()),
        sa.Column("fingerprint", sa.Text()),
        sa.Column("labels", sa.Text()),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "nodes",
        sa.Column("path", ID, primary_key=True),
        sa.Column("owner", ID, nullable=False),
        sa.Column("parent", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("output", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("started_at", SECONDS, nullable=False),
        sa.Column("ended_at", SECONDS),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("nodes", "plans", "tasks", "events"):
        op.drop_table(table)


def _partial_index(name: str, column: str, where: str) -> None:
    op.create_index(name, "tasks", [column], postgresql_where=sa.text(where), sqlite_where=sa.text(where))
