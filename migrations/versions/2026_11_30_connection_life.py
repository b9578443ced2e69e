"""Connections: paused, removed, and until when a webhook secret that was replaced is accepted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261130y5c"
down_revision = "20261130z"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connections", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("connections", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("connections", sa.Column("secret_ends", JSONB(), nullable=False, server_default="{}"))


def downgrade() -> None:
    for name in ("secret_ends", "removed_at", "paused_at"):
        op.drop_column("connections", name)
