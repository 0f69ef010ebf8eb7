"""What a trace needs: its context, whether it is still to be exported, and the attempts before the last one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("tasks", sa.Column("history", sa.Text()))
    op.add_column("plans", sa.Column("trace", sa.Text()))
    op.add_column("plans", sa.Column("to_trace", sa.Boolean()))
    op.create_index(
        "plans_to_trace",
        "plans",
        ["id"],
        postgresql_where=sa.text("to_trace IS TRUE"),
        sqlite_where=sa.text("to_trace IS 1"),
    )


def downgrade() -> None:
    op.drop_index("plans_to_trace", "plans")
    op.drop_column("plans", "to_trace")
    op.drop_column("plans", "trace")
    op.drop_column("tasks", "history")
