"""The mirror of the ERPs' master data"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130zz5"
down_revision = "20261130zyi"
branch_labels = None
depends_on = None


def _json(name: str, empty: str | None = None) -> sa.Column[object]:
    default = sa.text(f"'{empty}'::jsonb") if empty else None
    return sa.Column(name, postgresql.JSONB(none_as_null=True), nullable=False, server_default=default)


def _when(name: str, *, nullable: bool = True) -> sa.Column[object]:
    default = None if nullable else sa.func.now()
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "mirrored_rows",
        _text("tenant_id"),
        _text("connection_id"),
        _text("kind"),
        _text("company"),
        _text("code"),
        _json("value"),
        _text("digest"),
        _when("first_seen_at", nullable=False),
        _when("changed_at", nullable=False),
        _when("seen_at", nullable=False),
        _when("missed_at"),
        _when("gone_at"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "connection_id", "kind", "company", "code", name=op.f("pk_mirrored_rows")
        ),
    )
    op.create_index(
        "ix_mirrored_rows_gone",
        "mirrored_rows",
        ["tenant_id", "connection_id", "kind"],
        postgresql_where=sa.text("gone_at is not null"),
    )
    op.create_table(
        "mirrors",
        _text("tenant_id"),
        _text("connection_id"),
        _when("due_at", nullable=False),
        sa.Column("lease_token", sa.BigInteger(), nullable=False, server_default="0"),
        _when("lease_until"),
        _text("lease_holder", nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        _text("error", nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        _json("kinds", "[]"),
        _when("kind_since"),
        _text("after", nullable=True),
        _text("asked_by", nullable=True),
        _json("asked_kinds", "[]"),
        sa.PrimaryKeyConstraint("tenant_id", "connection_id", name=op.f("pk_mirrors")),
    )
    op.create_table(
        "mirror_runs",
        _text("tenant_id"),
        sa.Column("id", sa.Uuid(), nullable=False),
        _text("connection_id"),
        _when("started_at", nullable=False),
        _when("finished_at"),
        _text("asked_by", nullable=True),
        _json("kinds", "[]"),
        _json("counts", "{}"),
        _json("differences", "[]"),
        _text("error", nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_mirror_runs")),
    )
    op.create_index("ix_mirror_runs_connection", "mirror_runs", ["tenant_id", "connection_id", "id"])


def downgrade() -> None:
    op.drop_table("mirror_runs")
    op.drop_table("mirrors")
    op.drop_table("mirrored_rows")
