"""Opportunities: why one waits for a moment that comes by itself"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130xa"
down_revision = "20261130x"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("opportunities", sa.Column("waits_for", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("opportunities", "waits_for")
