"""Steps of the approval matrix, of approval tasks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261130zyb"
down_revision = "20261130zya"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Null for finance and delivery, as every release before has them.
    op.add_column("approval_tasks", sa.Column("asks", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("approval_tasks", "asks")
