"""API tokens with scopes and an end, and when each was last used; where each session is, and its own name"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130zq"
down_revision = "20261130zt"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Null: a token from before scopes, or one that a release without them makes meanwhile.
    op.add_column("api_tokens", sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=True))
    op.add_column("api_tokens", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_tokens", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False, server_default=sa.text("gen_random_uuid()")),
    )
    op.add_column("sessions", sa.Column("address", sa.Text(), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("user_agent", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    for column in ("user_agent", "address", "id"):
        op.drop_column("sessions", column)
    for column in ("last_used_at", "expires_at", "scopes"):
        op.drop_column("api_tokens", column)
