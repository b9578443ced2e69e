"""Approval rules: which rule approved a task, and which customers are known"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261125r"
down_revision = "20261125p"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("approval_tasks", sa.Column("rule", JSONB(none_as_null=True), nullable=True))
    op.create_index(
        "ix_opportunities_customer",
        "opportunities",
        ["tenant_id", sa.text("((record -> 'account') ->> 'code')")],
        postgresql_where=sa.text("activated_at is not null"),
    )


def downgrade() -> None:
    op.drop_index("ix_opportunities_customer", table_name="opportunities")
    op.drop_column("approval_tasks", "rule")
