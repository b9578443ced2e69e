"""A second factor at signing in: its key, the codes for when it is lost, and sign-ins that wait for a code"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130zr"
down_revision = "20261130zq"
branch_labels = None
depends_on = None


def upgrade() -> None:
    now = sa.func.now()
    of_person = sa.ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"])
    op.create_table(
        "second_factors",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("recovery_hashes", sa.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=now),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "person_id"),
        of_person,
    )
    op.create_table(
        "begun_sign_ins",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "secret_hash"),
        sa.ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"]),
    )
    op.create_index("ix_begun_sign_ins_secret_hash", "begun_sign_ins", ["secret_hash"])


def downgrade() -> None:
    # What stands before a password's hash where a second factor is asked for, and opens nothing without one.
    op.execute(
        "update people set password_hash = substr(password_hash, 15) where password_hash like 'second-factor:%'"
    )
    op.drop_table("begun_sign_ins")
    op.drop_table("second_factors")
