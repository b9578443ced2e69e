"""Configuration: its versions, what is proposed, which one made a plan, and since when a firm is live"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130z"
down_revision = "20261130y3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    now = sa.text("now()")
    op.add_column("tenants", sa.Column("went_live_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("plans", sa.Column("configuration_version", sa.Integer(), nullable=True))
    op.add_column("plans", sa.Column("configuration_fingerprint", sa.Text(), nullable=True))
    op.create_table(
        "configuration_versions",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("firm", sa.Text(), nullable=False),
        sa.Column("rows", json, nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("reverts_to", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name=op.f("pk_configuration_versions")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_configuration_versions_tenant_id")
        ),
    )
    op.create_table(
        "configuration_proposals",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("against", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("firm", sa.Text(), nullable=False),
        sa.Column("rows", json, nullable=False),
        sa.Column("proposed_by", sa.UUID(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("reverts_to", sa.Integer(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_configuration_proposals")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "proposed_by"],
            ["people.tenant_id", "people.id"],
            name=op.f("fk_configuration_proposals_tenant_id_proposed_by"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "decided_by"],
            ["people.tenant_id", "people.id"],
            name=op.f("fk_configuration_proposals_tenant_id_decided_by"),
        ),
        sa.CheckConstraint("decided_by <> proposed_by or status = 'rejected'", name="two_people"),
    )


def downgrade() -> None:
    op.drop_table("configuration_proposals")
    op.drop_table("configuration_versions")
    op.drop_column("plans", "configuration_fingerprint")
    op.drop_column("plans", "configuration_version")
    op.drop_column("tenants", "went_live_at")
