"""Plans: the limits that the ERP only notes, so that people have to watch them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130x"
down_revision = "20261130w"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    watched = sa.Column("watched", json, server_default=sa.text("'[]'::jsonb"), nullable=False)
    op.add_column("plans", watched)


def downgrade() -> None:
    op.drop_column("plans", "watched")
