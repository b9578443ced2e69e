"""Who ever owned or requested an opportunity, what else a person is known by, why a decision does not stand"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "20261130p"
down_revision = "20261130s"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("further_emails", "crm_user_ids"):
        op.add_column(
            "people",
            sa.Column(name, ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")),
        )
    op.add_column("approval_tasks", sa.Column("void_because", sa.Text(), nullable=True))
    op.create_table(
        "crm_users",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("tenant_id", "connection_id", "user_id", "email", name="pk_crm_users"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connection_id"],
            ["connections.tenant_id", "connections.id"],
            name="fk_crm_users_tenant_id_connection_id",
        ),
    )
    op.create_table(
        "opportunity_parties",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("opportunity_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint(
            "tenant_id", "opportunity_id", "part", "user_id", name="pk_opportunity_parties"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "opportunity_id"],
            ["opportunities.tenant_id", "opportunities.id"],
            name="fk_opportunity_parties_tenant_id_opportunity_id",
        ),
    )
    op.create_index(
        "ix_opportunity_parties_user", "opportunity_parties", ["tenant_id", "user_id", "opportunity_id"]
    )


def downgrade() -> None:
    op.drop_table("opportunity_parties")
    op.drop_table("crm_users")
    op.drop_column("approval_tasks", "void_because")
    for name in ("crm_user_ids", "further_emails"):
        op.drop_column("people", name)
