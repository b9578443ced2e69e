"""Barred people stay barred, under every account of theirs; which fields of a row a version changed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "20261130zz6a"
down_revision = "20261130zz6"
branch_labels = None
depends_on = None

# Characters that nobody sees, as `oppsync/domain/values/identifiers.py` leaves them out.
_UNSEEN = (
    r"\u0001-\u001f\u007f-\u009f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u115f-\u1160"
    r"\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U00013438\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff"
)

_STAY = """
create function barred_people_stay_barred() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if not exists (
            select from plans p
            where (p.tenant_id, p.opportunity_id, p.hash) = (old.tenant_id, old.opportunity_id, old.plan_hash)
        ) then
            return old;
        end if;
    end if;
    raise exception 'who is barred from a plan stays barred as long as there is the plan'
        using errcode = 'restrict_violation';
end $$;
create trigger barred_people_stay_barred before update or delete on barred_approvers
    for each row execute function barred_people_stay_barred();
create trigger barred_people_stay_barred_all before truncate on barred_approvers
    for each statement execute function barred_people_stay_barred();
"""

# The same normal forms as `email_key` and `crm_user_key`, and the same rule as `is_same`.
_ONE_PERSON = r"""
create function seen_text(given text) returns text language sql immutable as $$
    select regexp_replace(
        regexp_replace(normalize(given, nfkc), '[unseen]', '', 'g'), '^\s+|\s+$', '', 'g')
$$;
create function mailbox_of(address text) returns text language plpgsql immutable as $$
declare
    seen text := replace(lower(seen_text(address)), 'ß', 'ss');
    domain text := rtrim(substring(seen from '[^@]*$'), '.');
begin
    return split_part(coalesce(substring(seen from '^(.*)@[^@]*$'), ''), '+', 1)
        || '@' || rtrim(regexp_replace(domain, '\.invalid$', ''), '.');
end $$;
create function crm_user_of(user_id text) returns text language sql immutable as $$
    select case when seen_text(user_id) ~ '^[A-Za-z0-9]{15}[A-Z0-5]{3}$'
        then left(seen_text(user_id), 15) else seen_text(user_id) end
$$;
create function known_by(tenant text, person uuid) returns text[] language plpgsql stable as $$
begin
    return array(
        select 'mail:' || mailbox_of(address)
        from people p cross join unnest(array_append(p.further_emails, p.email)) address
        where p.tenant_id = tenant and p.id = person
        union
        select 'user:' || crm_user_of(user_id)
        from people p cross join unnest(p.crm_user_ids) user_id
        where p.tenant_id = tenant and p.id = person
    );
end $$;
create function is_one_person(tenant text, one uuid, other uuid) returns boolean language plpgsql stable as $$
begin
    return one = other or known_by(tenant, one) && known_by(tenant, other);
end $$;
"""

_REFUSES = """
create or replace function barred_people_decide_nothing() returns trigger language plpgsql as $$
begin
    if exists (
        select from barred_approvers b cross join unnest(array[new.decided_by, new.decided_for]) decider
        where b.tenant_id = new.tenant_id and b.opportunity_id = new.opportunity_id
            and b.plan_hash = new.plan_hash and decider is not null
            and is_one_person(new.tenant_id, b.person_id, decider)
    ) then
        raise exception 'this person may not decide this plan: see barred_approvers'
            using errcode = 'check_violation';
    end if;
    if exists (
        select from approval_tasks t
            cross join unnest(array[t.decided_by, t.decided_for]) before
            cross join unnest(array[new.decided_by, new.decided_for]) decider
        where t.tenant_id = new.tenant_id and t.opportunity_id = new.opportunity_id
            and t.plan_hash = new.plan_hash and t.id <> new.id and t.status in ('approved', 'rejected')
            and before is not null and decider is not null
            and is_one_person(new.tenant_id, before, decider)
    ) then
        raise exception 'this person decided this plan already, for another role or under another account'
            using errcode = 'check_violation';
    end if;
    return new;
end $$;
"""

_REFUSED_BEFORE = """
create or replace function barred_people_decide_nothing() returns trigger language plpgsql as $$
begin
    if exists (
        select from barred_approvers b
        where b.tenant_id = new.tenant_id and b.opportunity_id = new.opportunity_id
            and b.plan_hash = new.plan_hash and b.person_id in (new.decided_by, new.decided_for)
    ) then
        raise exception 'this person may not decide this plan: see barred_approvers'
            using errcode = 'check_violation';
    end if;
    return new;
end $$;
"""

_ASKED_WHEN = """
drop trigger barred_people_decide_nothing on approval_tasks;
create trigger barred_people_decide_nothing before update of {columns} on approval_tasks
    for each row when (
        new.status in ('approved', 'rejected') and new.decided_by is not null
        and (old.{olds}) is distinct from (new.{news})
    ) execute function barred_people_decide_nothing();
"""


def _asked_when(*columns: str) -> str:
    return _ASKED_WHEN.format(
        columns=", ".join(columns), olds=", old.".join(columns), news=", new.".join(columns)
    )


def upgrade() -> None:
    # Null: the whole row. So are the rows of before, whose latest change stands for all earlier ones.
    op.add_column("configuration_changes", sa.Column("fields", ARRAY(sa.Text()), nullable=True))
    op.execute(_STAY)
    op.execute(_ONE_PERSON.replace("[unseen]", f"[{_UNSEEN}]"))
    op.execute(_REFUSES)
    op.execute(_asked_when("status", "decided_by", "decided_for", "opportunity_id", "plan_hash"))


def downgrade() -> None:
    op.execute(_asked_when("status", "decided_by"))
    op.execute(_REFUSED_BEFORE)
    for function in ("is_one_person(text, uuid, uuid)", "known_by(text, uuid)", "crm_user_of(text)"):
        op.execute(f"drop function {function}")
    op.execute("drop function mailbox_of(text)")
    op.execute("drop function seen_text(text)")
    op.execute("drop trigger barred_people_stay_barred_all on barred_approvers")
    op.execute("drop trigger barred_people_stay_barred on barred_approvers")
    op.execute("drop function barred_people_stay_barred()")
    op.drop_column("configuration_changes", "fields")
