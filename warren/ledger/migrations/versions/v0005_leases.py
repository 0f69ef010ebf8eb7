"""Until when somebody has taken it on to send a task or to report an outcome again."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("tasks", sa.Column("leased_until", sa.Float(53)))


def downgrade() -> None:
    op.drop_column("tasks", "leased_until")
