"""Access that two administrators have to agree to"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130zt"
down_revision = "20261130zs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_proposals",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("proposed_by", sa.UUID(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_access_proposals")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "proposed_by"],
            ["people.tenant_id", "people.id"],
            name=op.f("fk_access_proposals_tenant_id_proposed_by"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "decided_by"],
            ["people.tenant_id", "people.id"],
            name=op.f("fk_access_proposals_tenant_id_decided_by"),
        ),
        sa.CheckConstraint("decided_by <> proposed_by or status = 'rejected'", name="two_administrators"),
    )


def downgrade() -> None:
    op.drop_table("access_proposals")
