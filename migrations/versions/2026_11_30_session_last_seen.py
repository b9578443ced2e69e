"""When a session was last used: an idle one ends"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130y1"
down_revision = "20261130xc"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sessions",
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )


def downgrade() -> None:
    op.drop_column("sessions", "last_seen")
