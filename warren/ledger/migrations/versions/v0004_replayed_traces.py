"""How often a plan went on after its spans were exported, and since when."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("plans", sa.Column("retold", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("plans", sa.Column("reopened_at", sa.Float(53)))


def downgrade() -> None:
    op.drop_column("plans", "reopened_at")
    op.drop_column("plans", "retold")
