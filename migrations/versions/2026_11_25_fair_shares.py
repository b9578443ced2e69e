"""Fair shares: the outbox names the connection, and due rows are found by connection"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125s"
down_revision = "20261125r"
branch_labels = None
depends_on = None

# ix_outbox_id and ix_opportunities_emit_at serve the last release; the next release drops them.


def upgrade() -> None:
    op.add_column("outbox", sa.Column("connection_id", sa.Text(), nullable=True))
    op.create_index("ix_outbox_lane", "outbox", ["tenant_id", "connection_id", "id"])
    op.create_index("ix_outbox_opportunity", "outbox", ["tenant_id", "opportunity_id"])
    op.create_index(
        "ix_opportunities_lane",
        "opportunities",
        ["tenant_id", "connection_id", "emit_at"],
        postgresql_where=sa.text("due_at is not null"),
    )


def downgrade() -> None:
    op.drop_index("ix_opportunities_lane", table_name="opportunities")
    op.drop_index("ix_outbox_opportunity", table_name="outbox")
    op.drop_index("ix_outbox_lane", table_name="outbox")
    op.drop_column("outbox", "connection_id")
