"""Opportunities: find those that are judged together, by purchase order and by amount"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130xc"
down_revision = "20261130xb"
branch_labels = None
depends_on = None

_NUMBER = "(record -> 'contract') ->> 'po_number'"
_KEY = f"regexp_replace(lower(regexp_replace({_NUMBER}, '[^a-zA-Z0-9]', '', 'g')), '^po', '')"


def upgrade() -> None:
    op.create_index(
        "ix_opportunities_purchase_order",
        "opportunities",
        ["tenant_id", sa.text(_KEY)],
        postgresql_where=sa.text(f"({_NUMBER}) is not null"),
    )
    op.create_index("ix_opportunities_amount", "opportunities", ["tenant_id", "amount", "currency"])


def downgrade() -> None:
    op.drop_index("ix_opportunities_amount", table_name="opportunities")
    op.drop_index("ix_opportunities_purchase_order", table_name="opportunities")
