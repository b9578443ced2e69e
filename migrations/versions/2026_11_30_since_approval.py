"""What was approved, and what the CRM says otherwise since then"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130t"
down_revision = "20261130p"
branch_labels = None
depends_on = None

_VIEW = """
create or replace view reporting.activated_projects with (security_invoker = true) as
select o.tenant_id,
       o.id as opportunity_id,
       o.connection_id as crm_connection_id,
       o.source_id as crm_opportunity_id,
       p.content->>'name' as opportunity_name,
       p.content->>'customer' as customer_code,
       p.content->>'customer_name' as customer_name,
       p.content->>'legal_entity' as legal_entity,
       {record}->>'region' as region,
       {record}->>'service_line' as service_line,
       ({record}->>'won_on')::date as won_on,
       o.received_at,
       o.activated_at,
       p.content->'total'->>'currency' as currency,
       (p.content->'total'->>'amount')::numeric(20, 4) as amount,
       (select count(*) from jsonb_array_elements(p.content->'nodes') as node
         where node->>'billing_model' is not null)::integer as workstreams,
       e.outside_id as project_id,
       e.number as project_number,
       e.url as project_url,
       p.number as plan_number,
       p.hash as plan_hash{more}
  from opportunities o
  join plans p on p.tenant_id = o.tenant_id and p.opportunity_id = o.id and p.hash = o.plan_hash
  join effects e on e.tenant_id = o.tenant_id and e.opportunity_id = o.id
                and e.kind = 'parent' and e.state = 'confirmed'
 where o.activated_at is not null;
"""
_MARK = """,
       jsonb_array_length(o.changes_since_approval) > 0 as changed_since_approval"""


def upgrade() -> None:
    json = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    changes = sa.Column("changes_since_approval", json, server_default=sa.text("'[]'::jsonb"), nullable=False)
    op.add_column("opportunities", sa.Column("approved_record", json, nullable=True))
    op.add_column("opportunities", changes)
    op.execute(_VIEW.format(record="coalesce(o.approved_record, o.record)", more=_MARK))


def downgrade() -> None:
    op.execute("drop view reporting.activated_projects")
    op.execute(_VIEW.format(record="o.record", more=""))
    op.drop_column("opportunities", "changes_since_approval")
    op.drop_column("opportunities", "approved_record")
