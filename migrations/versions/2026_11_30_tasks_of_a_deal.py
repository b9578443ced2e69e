"""Approval tasks: find those of one opportunity, void ones too"""

from __future__ import annotations

from alembic import op

revision = "20261130zzg1"
down_revision = "20261130zzf3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_approval_tasks_tenant_id_opportunity_id", "approval_tasks", ["tenant_id", "opportunity_id", "id"]
    )


def downgrade() -> None:
    op.drop_index("ix_approval_tasks_tenant_id_opportunity_id", table_name="approval_tasks")
