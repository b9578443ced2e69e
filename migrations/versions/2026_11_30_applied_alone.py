"""Whether one person alone applied a version of the configuration that takes two from going live on"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130zya"
down_revision = "20261130zu"
branch_labels = None
depends_on = None

# Until now it stood in the audit event only. The firms of before are few versions old.
_FROM_THE_EVENTS = """
    update configuration_versions v set alone = true from audit e
    where e.type = 'configuration.applied.v1' and e.tenant_id = v.tenant_id
        and (e.after ->> 'version') = v.number::text and (e.detail ->> 'alone') = 'true'
"""


def upgrade() -> None:
    op.add_column(
        "configuration_versions",
        sa.Column("alone", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )
    op.execute(_FROM_THE_EVENTS)


def downgrade() -> None:
    op.drop_column("configuration_versions", "alone")
