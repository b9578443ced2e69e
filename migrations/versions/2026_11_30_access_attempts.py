"""What tried to come in, counted by the hour"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130y3"
down_revision = "20261130y2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_attempts",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "subject", "hour", name="pk_access_attempts"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_access_attempts_tenant_id"),
    )
    op.create_index("ix_access_attempts_tenant_id_last_at", "access_attempts", ["tenant_id", "last_at"])


def downgrade() -> None:
    op.drop_table("access_attempts")
