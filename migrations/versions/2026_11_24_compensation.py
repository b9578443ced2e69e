"""Compensation: why a person gave a deal up"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124b"
down_revision = "20261124a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("opportunities", sa.Column("compensation_reason", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("opportunities", "compensation_reason")
