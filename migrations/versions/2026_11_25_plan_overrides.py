"""Overrides of plans: people's changes to workstreams, with their reasons"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125w"
down_revision = "20261125v"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plan_overrides",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("opportunity_id", sa.UUID(), nullable=False),
        sa.Column("workstream", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.UUID(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "opportunity_id"],
            ["opportunities.tenant_id", "opportunities.id"],
            name=op.f("fk_plan_overrides_tenant_id_opportunity_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "made_by"],
            ["people.tenant_id", "people.id"],
            name=op.f("fk_plan_overrides_tenant_id_made_by"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_plan_overrides")),
    )
    op.create_index(
        "ix_plan_overrides_tenant_id_opportunity_id",
        "plan_overrides",
        ["tenant_id", "opportunity_id", "id"],
    )


def downgrade() -> None:
    op.drop_table("plan_overrides")
