"""Retention: bodies may be pruned, their digests stay"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124a"
down_revision = "20261123a"
branch_labels = None
depends_on = None

# For the chores of the relay: the oldest rows whose bodies are not yet pruned.
_UNPRUNED = (
    ("ix_inbox_unpruned", "inbox", "received_at", "pruned_at is null"),
    ("ix_effects_unpruned", "effects", "confirmed_at", "pruned_at is null and state = 'confirmed'"),
)


def upgrade() -> None:
    # Written at arrival from now on; for older rows when their body is pruned.
    op.add_column("inbox", sa.Column("body_sha256", sa.Text(), nullable=True))
    for table in ("inbox", "effects"):
        op.add_column(table, sa.Column("pruned_at", sa.DateTime(timezone=True), nullable=True))
    for name, table, column, where in _UNPRUNED:
        op.create_index(name, table, [column], postgresql_where=sa.text(where))


def downgrade() -> None:
    for name, table, _column, where in reversed(_UNPRUNED):
        op.drop_index(name, table_name=table, postgresql_where=sa.text(where))
    for table in ("effects", "inbox"):
        op.drop_column(table, "pruned_at")
    op.drop_column("inbox", "body_sha256")
