"""What plans were made from, so that they can be made again as they were"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130zyi"
down_revision = "20261130ti"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plan_inputs",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("opportunity_id", sa.UUID(), nullable=False),
        sa.Column("plan_hash", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "opportunity_id", "plan_hash"],
            ["plans.tenant_id", "plans.opportunity_id", "plans.hash"],
            name=op.f("fk_plan_inputs_tenant_id_opportunity_id_plan_hash"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "opportunity_id", "plan_hash", name=op.f("pk_plan_inputs")),
    )


def downgrade() -> None:
    op.drop_table("plan_inputs")
