"""Who may not approve a plan, kept and enforced; which row a version of the configuration changed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130zyc"
down_revision = "20261130zyb"
branch_labels = None
depends_on = None

_REFUSES = """
create function barred_people_decide_nothing() returns trigger language plpgsql as $$
begin
    if exists (
        select from barred_approvers b
        where b.tenant_id = new.tenant_id and b.opportunity_id = new.opportunity_id
            and b.plan_hash = new.plan_hash and b.person_id = new.decided_by
    ) then
        raise exception 'this person may not decide this plan: see barred_approvers'
            using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger barred_people_decide_nothing before update of status, decided_by on approval_tasks
    for each row when (
        new.status in ('approved', 'rejected') and new.decided_by is not null
        and (old.status, old.decided_by) is distinct from (new.status, new.decided_by)
    ) execute function barred_people_decide_nothing();
create trigger barred_people_decide_nothing_new before insert on approval_tasks
    for each row when (new.status in ('approved', 'rejected') and new.decided_by is not null)
    execute function barred_people_decide_nothing();
"""


def upgrade() -> None:
    op.create_table(
        "configuration_changes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "kind", "key", "valid_from", "number", name=op.f("pk_configuration_changes")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "number"],
            ["configuration_versions.tenant_id", "configuration_versions.number"],
            name=op.f("fk_configuration_changes_tenant_id_number"),
        ),
    )
    op.create_table(
        "barred_approvers",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("opportunity_id", sa.UUID(), nullable=False),
        sa.Column("plan_hash", sa.Text(), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "opportunity_id",
            "plan_hash",
            "person_id",
            "reason",
            name=op.f("pk_barred_approvers"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "opportunity_id"],
            ["opportunities.tenant_id", "opportunities.id"],
            name=op.f("fk_barred_approvers_tenant_id_opportunity_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["people.tenant_id", "people.id"],
            name=op.f("fk_barred_approvers_tenant_id_person_id"),
        ),
    )
    op.create_index(
        "ix_barred_approvers_tenant_id_person_id", "barred_approvers", ["tenant_id", "person_id", "reason"]
    )
    op.execute(_REFUSES)


def downgrade() -> None:
    op.execute("drop trigger barred_people_decide_nothing_new on approval_tasks")
    op.execute("drop trigger barred_people_decide_nothing on approval_tasks")
    op.execute("drop function barred_people_decide_nothing()")
    op.drop_table("barred_approvers")
    op.drop_table("configuration_changes")
