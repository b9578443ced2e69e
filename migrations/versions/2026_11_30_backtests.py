"""Backtests: what the last won deals would become by other rows"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130zz6"
down_revision = "20261130zz5"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backtests",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_backtests_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "fingerprint", name=op.f("pk_backtests")),
    )


def downgrade() -> None:
    op.drop_table("backtests")
