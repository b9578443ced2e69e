"""Baselines: what an opportunity was to cost, earn and take when it became active"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125x"
down_revision = "20261125w"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "baselines",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("opportunity_id", sa.UUID(), nullable=False),
        sa.Column("plan_hash", sa.Text(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "opportunity_id"],
            ["opportunities.tenant_id", "opportunities.id"],
            name=op.f("fk_baselines_tenant_id_opportunity_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "opportunity_id", name=op.f("pk_baselines")),
    )


def downgrade() -> None:
    op.drop_table("baselines")
