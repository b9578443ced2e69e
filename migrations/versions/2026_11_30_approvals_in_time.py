"""Approvals: changes requested, withdrawn, expired, decided for an absent colleague; absences; calendars"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "20261130ti"
down_revision = "20261130zyc"
branch_labels = None
depends_on = None


_REFUSES = """
create or replace function barred_people_decide_nothing() returns trigger language plpgsql as $$
begin
    if exists (
        select from barred_approvers b
        where b.tenant_id = new.tenant_id and b.opportunity_id = new.opportunity_id
            and b.plan_hash = new.plan_hash and b.person_id {whom}
    ) then
        raise exception 'this person may not decide this plan: see barred_approvers'
            using errcode = 'check_violation';
    end if;
    return new;
end $$;
"""


def upgrade() -> None:
    op.add_column("approval_tasks", sa.Column("voided_as", sa.Text(), nullable=True))
    op.add_column("approval_tasks", sa.Column("decided_for", UUID(as_uuid=True), nullable=True))
    op.add_column("people", sa.Column("calendar", sa.Text(), nullable=True))
    op.create_table(
        "absences",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("person_id", UUID(as_uuid=True), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delegate_id", UUID(as_uuid=True), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_absences")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["people.tenant_id", "people.id"],
            name=op.f("fk_absences_tenant_id_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delegate_id"],
            ["people.tenant_id", "people.id"],
            name=op.f("fk_absences_tenant_id_delegate_id"),
        ),
        sa.CheckConstraint("delegate_id <> person_id", name="another_delegate"),
        sa.CheckConstraint("ends_at > begins_at", name="ends_after_it_begins"),
    )
    # Nor does anybody decide it for them.
    op.execute(_REFUSES.format(whom="in (new.decided_by, new.decided_for)"))
    op.create_index("ix_absences_tenant_id_person_id", "absences", ["tenant_id", "person_id", "ends_at"])


def downgrade() -> None:
    op.execute(_REFUSES.format(whom="= new.decided_by"))
    op.drop_table("absences")
    op.drop_column("people", "calendar")
    op.drop_column("approval_tasks", "decided_for")
    op.drop_column("approval_tasks", "voided_as")
