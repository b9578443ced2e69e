"""Opportunities: the customer as validation found it in the ERP"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130v"
down_revision = "20261130u"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("opportunities", sa.Column("customer", postgresql.JSONB(), nullable=True))
    op.create_index(
        "ix_opportunities_erp_customer",
        "opportunities",
        ["tenant_id", sa.text("(customer ->> 'code')")],
        postgresql_where=sa.text("activated_at is not null"),
    )


def downgrade() -> None:
    op.drop_index("ix_opportunities_erp_customer", table_name="opportunities")
    op.drop_column("opportunities", "customer")
