"""Calls to outside systems, redacted, for the timeline of their opportunity"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125v"
down_revision = "20261125s"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vendor_calls",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opportunity_id", sa.UUID(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_vendor_calls"),
    )
    op.create_index("ix_vendor_calls_opportunity", "vendor_calls", ["tenant_id", "opportunity_id", "id"])
    op.create_index("ix_vendor_calls_at", "vendor_calls", ["at"])


def downgrade() -> None:
    op.drop_table("vendor_calls")
