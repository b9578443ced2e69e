"""How far deletions in a CRM are known, and when a parked deal is looked at again"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130u"
down_revision = "20261130t"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("crm_watermarks", sa.Column("deletions_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("opportunities", sa.Column("recheck_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("opportunities", "recheck_at")
    op.drop_column("crm_watermarks", "deletions_until")
