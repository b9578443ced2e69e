"""Polling of CRMs: watermarks, and which deliveries a poll found"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125p"
down_revision = "20261125a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "crm_watermarks",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("covered_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("covers", sa.DateTime(timezone=True), nullable=True),
        sa.Column("page_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("page_after", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_holder", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deals", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_late_seconds", sa.Integer(), nullable=True),
        sa.Column("most_late_seconds", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connection_id"],
            ["connections.tenant_id", "connections.id"],
            name=op.f("fk_crm_watermarks_tenant_id_connection_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "connection_id", name=op.f("pk_crm_watermarks")),
    )
    op.add_column("inbox", sa.Column("source", sa.Text(), server_default="webhook", nullable=False))
    op.add_column("inbox", sa.Column("late_seconds", sa.Integer(), nullable=True))
    op.add_column("opportunities", sa.Column("told_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("opportunities", "told_until")
    op.drop_column("inbox", "late_seconds")
    op.drop_column("inbox", "source")
    op.drop_table("crm_watermarks")
