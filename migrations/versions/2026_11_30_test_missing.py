"""What the last test of a connection found missing, in words"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130zzf1"
down_revision = "20261130zzbt"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column(
        "test_missing",
        postgresql.JSONB(none_as_null=True),
        server_default=sa.text("'[]'::jsonb"),
        nullable=False,
    )
    op.add_column("connections", column)


def downgrade() -> None:
    op.drop_column("connections", "test_missing")
