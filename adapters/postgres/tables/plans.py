"""Plans, people's overrides of them, their approvals, and baselines."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from adapters.postgres.tables.columns import (
    id_column,
    json_column,
    metadata,
    of_opportunity,
    text_column,
    when,
)

plans = Table(
    "plans",
    metadata,
    text_column("tenant_id"),
    id_column("opportunity_id"),
    text_column("hash"),
    Column("number", Integer, nullable=False),
    json_column("content"),
    json_column("provenance"),
    # Figures of the content, for sums over many deals: set by the trigger `copy_plan_figures`. `revenue` has
    # the sum of its revenue schedules by month: `{"2026-06": "1200.00"}`.
    text_column("currency", nullable=True),
    Column("total", Numeric, nullable=True),
    Column("cost", Numeric, nullable=True),
    json_column("revenue", nullable=True),
    # The connections it goes to, chosen when it was planned; null for a plan of a release that knew one of each
    # only.
    text_column("erp", nullable=True),
    text_column("psa", nullable=True),
    json_column("watched", empty="[]"),
    # The configuration that it was made by; null for a plan of a release before versions.
    Column("configuration_version", Integer, nullable=True),
    text_column("configuration_fingerprint", nullable=True),
    when("made_at", now=True),
    PrimaryKeyConstraint("tenant_id", "opportunity_id", "hash"),
    UniqueConstraint("tenant_id", "opportunity_id", "number"),
    of_opportunity(),
    # The figures of many plans are read from it alone.
    Index(
        "ix_plans_figures",
        "tenant_id",
        "opportunity_id",
        "hash",
        postgresql_include=["currency", "total", "cost"],
    ),
)

# What a plan was made from, as it was when the plan of this hash was last made; none of a plan of a release
# before.
plan_inputs = Table(
    "plan_inputs",
    metadata,
    text_column("tenant_id"),
    id_column("opportunity_id"),
    text_column("plan_hash"),
    json_column("content"),
    when("kept_at", now=True),
    PrimaryKeyConstraint("tenant_id", "opportunity_id", "plan_hash"),
    ForeignKeyConstraint(
        ["tenant_id", "opportunity_id", "plan_hash"],
        ["plans.tenant_id", "plans.opportunity_id", "plans.hash"],
    ),
)

# People's overrides of a plan's workstreams, each with a reason; the latest for a field counts.
plan_overrides = Table(
    "plan_overrides",
    metadata,
    text_column("tenant_id"),
    id_column("id"),
    id_column("opportunity_id"),
    text_column("workstream"),
    text_column("field"),
    text_column("value", nullable=True),
    text_column("reason"),
    id_column("made_by"),
    when("made_at", now=True),
    PrimaryKeyConstraint("tenant_id", "id"),
    of_opportunity(),
    ForeignKeyConstraint(["tenant_id", "made_by"], ["people.tenant_id", "people.id"]),
    Index("ix_plan_overrides_tenant_id_opportunity_id", "tenant_id", "opportunity_id", "id"),
)

# An opportunity's planned cost, revenue and schedules when it became active: written once.
baselines = Table(
    "baselines",
    metadata,
    text_column("tenant_id"),
    id_column("opportunity_id"),
    text_column("plan_hash"),
    when("frozen_at"),
    json_column("content"),
    PrimaryKeyConstraint("tenant_id", "opportunity_id"),
    of_opportunity(),
)

approval_tasks = Table(
    "approval_tasks",
    metadata,
    text_column("tenant_id"),
    id_column("id"),
    id_column("opportunity_id"),
    text_column("plan_hash"),
    # The seat of the plan's approvals: a step's code, `#2` after it for the second person.
    text_column("role"),
    # The step as the plan has it; null for finance and delivery of a plan that names no steps.
    json_column("asks", nullable=True),
    text_column("status"),
    Column("candidates", ARRAY(UUID(as_uuid=True)), nullable=False),
    when("opened_at", now=True),
    when("decided_at", nullable=True),
    id_column("decided_by", nullable=True),
    text_column("comment", default=""),
    # The rule's name and row, when it approved without a person.
    json_column("rule", nullable=True),
    # What was decided, sealed by a key outside the database; null of a decision of a release before seals.
    json_column("seal", nullable=True),
    # Why a decision does not stand any more.
    text_column("void_because", nullable=True),
    # What a person, or the time, made void: changes were requested, the approval was withdrawn, it expired.
    text_column("voided_as", nullable=True),
    # The absent colleague for whom `decided_by` decided.
    id_column("decided_for", nullable=True),
    # When it was put to others; null where those are asked for whom it was opened.
    when("asked_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(
        ["tenant_id", "opportunity_id", "plan_hash"],
        ["plans.tenant_id", "plans.opportunity_id", "plans.hash"],
    ),
    ForeignKeyConstraint(["tenant_id", "decided_by"], ["people.tenant_id", "people.id"]),
    # One live task for each seat of a plan; void ones stay as history.
    Index(
        "uq_approval_tasks_live",
        "tenant_id",
        "opportunity_id",
        "plan_hash",
        "role",
        unique=True,
        postgresql_where=text("status <> 'void'"),
    ),
    # A last guard in the database: nobody approves a plan twice.
    Index(
        "uq_approval_tasks_one_role_each",
        "tenant_id",
        "opportunity_id",
        "plan_hash",
        "decided_by",
        unique=True,
        postgresql_where=text("status = 'approved'"),
    ),
    Index("ix_approval_tasks_tenant_id_status", "tenant_id", "status", "id"),
    # Those of one deal: the partial indexes above do not find void ones.
    Index("ix_approval_tasks_tenant_id_opportunity_id", "tenant_id", "opportunity_id", "id"),
)

# Who may not decide a plan, and why. Rows are only added: a trigger refuses to change them, and to delete them
# while there is the plan. One on `approval_tasks` refuses a decision of theirs under any account.
barred_approvers = Table(
    "barred_approvers",
    metadata,
    text_column("tenant_id"),
    id_column("opportunity_id"),
    text_column("plan_hash"),
    id_column("person_id"),
    text_column("reason"),
    when("noted_at", now=True),
    PrimaryKeyConstraint("tenant_id", "opportunity_id", "plan_hash", "person_id", "reason"),
    of_opportunity(),
    ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"]),
    Index("ix_barred_approvers_tenant_id_person_id", "tenant_id", "person_id", "reason"),
)
