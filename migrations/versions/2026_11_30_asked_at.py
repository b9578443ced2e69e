"""When an approval was put to others, from which its times count"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130zzf3"
down_revision = "20261130zzf2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("approval_tasks", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("approval_tasks", "asked_at")
