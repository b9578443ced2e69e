"""One-time links by which people set their password"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130zp"
down_revision = "20261130y5c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invitations",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "person_id"),
        sa.ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"]),
    )
    op.create_index("ix_invitations_secret_hash", "invitations", ["secret_hash"])


def downgrade() -> None:
    op.drop_table("invitations")
