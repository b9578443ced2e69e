"""Whom a mistake barred is freed where it is corrected, by nobody else, and not without a word"""

from __future__ import annotations

from alembic import op

revision = "20261130zzf2"
down_revision = "20261130zzf1"
branch_labels = None
depends_on = None

_STAY = """
create or replace function barred_people_stay_barred() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if not exists (
            select from plans p
            where (p.tenant_id, p.opportunity_id, p.hash) = (old.tenant_id, old.opportunity_id, old.plan_hash)
        ) {or_freed} then
            return old;
        end if;
    end if;
    raise exception 'who is barred from a plan stays barred as long as there is the plan'
        using errcode = 'restrict_violation';
end $$;
"""

# The audit trail of the same transaction says so.
_OR_FREED = """or exists (
            select from audit a
            where a.tenant_id = old.tenant_id and a.opportunity_id = old.opportunity_id
                and a.type = 'approver.freed.v1' and a.xmin = pg_current_xact_id()::xid
                and a.detail->>'person' = old.person_id::text and a.detail->>'plan' = old.plan_hash
                and jsonb_exists(a.detail->'reasons', old.reason)
        )"""


def upgrade() -> None:
    op.execute(_STAY.replace("{or_freed}", _OR_FREED))


def downgrade() -> None:
    op.execute(_STAY.replace("{or_freed}", ""))
