"""Warnings: findings of the last validation that did not stop the deal"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125a"
down_revision = "20261124b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("warnings", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    op.add_column("opportunities", column)


def downgrade() -> None:
    op.drop_column("opportunities", "warnings")
