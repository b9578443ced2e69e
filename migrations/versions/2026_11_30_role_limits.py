"""Roles limited to legal entities and regions, of people and of proposals"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261130zu"
down_revision = "20261130zr"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Beside `roles`, which keeps those without a limit: a release that knows no limits does not find
    # the others.
    for table in ("people", "access_proposals"):
        limited = sa.Column("limited_roles", JSONB(), nullable=False, server_default=sa.text("'{}'"))
        op.add_column(table, limited)


def downgrade() -> None:
    for table in ("access_proposals", "people"):
        op.drop_column(table, "limited_roles")
