"""What dashboards sum: entity and close date of a deal, figures of a plan"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130zzh1"
down_revision = "20261130zzg1"
branch_labels = None
depends_on = None

# Triggers, since the release before this one, which runs beside it, knows none of these columns.
_DEAL = """
create function copy_deal_facts() returns trigger language plpgsql as $$
begin
    new.legal_entity := coalesce(new.approved_record, new.record) ->> 'contracting_entity';
    new.won_on := (coalesce(new.approved_record, new.record) ->> 'won_on')::date;
    return new;
end $$;
create trigger copy_deal_facts before insert or update of record, approved_record on opportunities
    for each row execute function copy_deal_facts();
update opportunities
    set legal_entity = coalesce(approved_record, record) ->> 'contracting_entity',
        won_on = (coalesce(approved_record, record) ->> 'won_on')::date
    where record is not null;
"""
_PLAN = """
create function revenue_by_month(content jsonb) returns jsonb language sql immutable as $$
    select coalesce(jsonb_object_agg(period, amount::text), '{}')
    from (
        select line ->> 'period' as period, sum((line #>> '{amount,amount}')::numeric) as amount
        from jsonb_path_query(content, '$.nodes[*].revenue.lines[*]') as line
        group by 1
    ) as months
$$;
create function copy_plan_figures() returns trigger language plpgsql as $$
begin
    new.currency := new.content ->> 'currency';
    new.total := (new.content #>> '{total,amount}')::numeric;
    new.cost := (new.content #>> '{nodes,0,cost,amount}')::numeric;
    new.revenue := revenue_by_month(new.content);
    return new;
end $$;
create trigger copy_plan_figures before insert or update of content on plans
    for each row execute function copy_plan_figures();
update plans
    set currency = content ->> 'currency',
        total = (content #>> '{total,amount}')::numeric,
        cost = (content #>> '{nodes,0,cost,amount}')::numeric,
        revenue = revenue_by_month(content);
"""


def upgrade() -> None:
    op.add_column("opportunities", sa.Column("legal_entity", sa.Text(), nullable=True))
    op.add_column("opportunities", sa.Column("won_on", sa.Date(), nullable=True))
    op.execute(_DEAL)
    included = ["id", "state", "activated_at", "received_at", "legal_entity", "plan_hash"]
    op.create_index(
        "ix_opportunities_won_on", "opportunities", ["tenant_id", "won_on"], postgresql_include=included
    )
    op.add_column("plans", sa.Column("currency", sa.Text(), nullable=True))
    op.add_column("plans", sa.Column("total", sa.Numeric(), nullable=True))
    op.add_column("plans", sa.Column("cost", sa.Numeric(), nullable=True))
    revenue = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    op.add_column("plans", sa.Column("revenue", revenue, nullable=True))
    op.execute(_PLAN)
    op.create_index(
        "ix_plans_figures",
        "plans",
        ["tenant_id", "opportunity_id", "hash"],
        postgresql_include=["currency", "total", "cost"],
    )


def downgrade() -> None:
    op.execute("drop trigger copy_plan_figures on plans")
    op.execute("drop function copy_plan_figures()")
    op.execute("drop function revenue_by_month(jsonb)")
    op.drop_index("ix_plans_figures", "plans")
    for name in ("revenue", "cost", "total", "currency"):
        op.drop_column("plans", name)
    op.execute("drop trigger copy_deal_facts on opportunities")
    op.execute("drop function copy_deal_facts()")
    op.drop_index("ix_opportunities_won_on", "opportunities")
    for name in ("won_on", "legal_entity"):
        op.drop_column("opportunities", name)
