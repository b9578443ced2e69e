"""Plans: the connections that each goes to"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261129p"
down_revision = "20261129a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("erp", "psa"):
        op.add_column("plans", sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("psa", "erp"):
        op.drop_column("plans", name)
