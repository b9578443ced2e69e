"""Approval tasks: the seal of the decision"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261130s"
down_revision = "20261129p"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("approval_tasks", sa.Column("seal", JSONB(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("approval_tasks", "seal")
