"""Set-up: a firm's time zone, its test deal and who took it live; the last test of a connection"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130zs"
down_revision = "20261130zp"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    op.add_column("tenants", sa.Column("time_zone", sa.Text(), nullable=True))
    op.add_column("tenants", sa.Column("tried_deal", json, nullable=True))
    op.add_column("tenants", sa.Column("went_live_by", sa.Text(), nullable=True))
    op.add_column("tenants", sa.Column("second_admin", sa.Text(), nullable=True))
    op.add_column("connections", sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("connections", sa.Column("test_faults", sa.Integer(), nullable=True))


def downgrade() -> None:
    for name in ("test_faults", "tested_at"):
        op.drop_column("connections", name)
    for name in ("second_admin", "went_live_by", "tried_deal", "time_zone"):
        op.drop_column("tenants", name)
