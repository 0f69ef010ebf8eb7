"""Which replay a row belongs to, and from when on the outbox may send it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

WAITING = sa.text("status = 'open' AND dispatched_at IS NULL AND not_before_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("tasks", sa.Column("replays", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("tasks", sa.Column("not_before_at", sa.Float(53)))
    op.create_index("tasks_waiting", "tasks", ["not_before_at"], postgresql_where=WAITING, sqlite_where=WAITING)


def downgrade() -> None:
    op.drop_index("tasks_waiting", "tasks")
    op.drop_column("tasks", "not_before_at")
    op.drop_column("tasks", "replays")
