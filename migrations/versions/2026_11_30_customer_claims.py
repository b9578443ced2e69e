"""Who may create a customer in an ERP: one deal at a time"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130w"
down_revision = "20261130v"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customer_claims",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("opportunity_id", sa.Uuid(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "connection_id", name=op.f("pk_customer_claims")),
    )


def downgrade() -> None:
    op.drop_table("customer_claims")
