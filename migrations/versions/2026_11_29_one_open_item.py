"""One open exception item for each subject and code

Of items that two processes opened at once the first stays open. When a process of the previous release opens an
item at the same moment as another process, it now fails and repeats its work; until now both items stayed open,
and whatever raised the same once more failed because of them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261129a"
down_revision = "20261125x"
branch_labels = None
depends_on = None

_CLOSE_SECOND_ONES = """
update exception_items
   set status = 'dismissed', closed_by = 'command-line', closed_at = clock_timestamp(),
       reason = 'The same as an earlier item that is still open'
  from (select tenant_id, id,
               row_number() over (
                   partition by tenant_id, code,
                       coalesce(opportunity_id::text, delivery_id::text, payload_reference)
                   order by id) as place
          from exception_items where status = 'open') as same
 where same.tenant_id = exception_items.tenant_id and same.id = exception_items.id and same.place > 1
"""


def upgrade() -> None:
    # Nobody may open a second item after the existing ones are closed and before the index is built.
    op.execute("lock table exception_items in share row exclusive mode")
    op.execute(_CLOSE_SECOND_ONES)
    op.create_index(
        "uq_exception_items_open",
        "exception_items",
        [
            "tenant_id",
            sa.text("coalesce(opportunity_id::text, delivery_id::text, payload_reference)"),
            "code",
        ],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )


def downgrade() -> None:
    op.drop_index("uq_exception_items_open", table_name="exception_items")
