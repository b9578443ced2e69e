"""The first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123a"
down_revision = None
branch_labels = None
depends_on = None

_AUDIT_NEVER_CHANGES = """
create function audit_never_changes() returns trigger language plpgsql as $$
begin
    raise exception 'audit entries never change';
end $$;
create trigger audit_never_changes before update or delete on audit
    for each row execute function audit_never_changes();
"""

# Documented in docs/reporting.md: one row for each opportunity whose projects are active.
_REPORTING = """
create schema reporting;
create view reporting.activated_projects with (security_invoker = true) as
select o.tenant_id,
       o.id as opportunity_id,
       o.connection_id as crm_connection_id,
       o.source_id as crm_opportunity_id,
       p.content->>'name' as opportunity_name,
       p.content->>'customer' as customer_code,
       p.content->>'customer_name' as customer_name,
       p.content->>'legal_entity' as legal_entity,
       o.record->>'region' as region,
       o.record->>'service_line' as service_line,
       (o.record->>'won_on')::date as won_on,
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
       p.hash as plan_hash
  from opportunities o
  join plans p on p.tenant_id = o.tenant_id and p.opportunity_id = o.id and p.hash = o.plan_hash
  join effects e on e.tenant_id = o.tenant_id and e.opportunity_id = o.id
                and e.kind = 'parent' and e.state = 'confirmed'
 where o.activated_at is not null;
"""


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("opportunity_id", sa.UUID(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("detail", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit")),
    )
    op.create_index(
        "ix_audit_tenant_id_opportunity_id", "audit", ["tenant_id", "opportunity_id", "id"], unique=False
    )
    op.create_table(
        "dead_messages",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("opportunity_id", sa.UUID(), nullable=True),
        sa.Column("message", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "message_id", name=op.f("pk_dead_messages")),
    )
    op.create_table(
        "outbox",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("opportunity_id", sa.UUID(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_id", "outbox", ["id"], unique=False)
    op.create_table(
        "tenants",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
    )
    op.create_table(
        "connections",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "settings",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("signature_scheme", sa.Text(), nullable=True),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_connections_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_connections")),
    )
    op.create_index("ix_connections_id", "connections", ["id"], unique=False)
    op.create_table(
        "people",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_people_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_people")),
        sa.UniqueConstraint("tenant_id", "email", name=op.f("uq_people_tenant_id_email")),
    )
    op.create_table(
        "reference_rows",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("value", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_reference_rows_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "key", "valid_from", name=op.f("pk_reference_rows")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["people.tenant_id", "people.id"],
            name=op.f("fk_api_tokens_tenant_id_person_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "name", name=op.f("pk_api_tokens")),
    )
    op.create_index("ix_api_tokens_secret_hash", "api_tokens", ["secret_hash"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "headers",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connection_id"],
            ["connections.tenant_id", "connections.id"],
            name=op.f("fk_inbox_tenant_id_connection_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_inbox")),
        sa.UniqueConstraint(
            "tenant_id",
            "connection_id",
            "delivery_id",
            name=op.f("uq_inbox_tenant_id_connection_id_delivery_id"),
        ),
    )
    op.create_table(
        "opportunities",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("resume_state", sa.Text(), nullable=True),
        sa.Column("state_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("crashes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reread_requested", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reread_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_holder", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("emit_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("record", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("record_digest", sa.Text(), nullable=True),
        sa.Column("enrichment", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("plan_hash", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connection_id"],
            ["connections.tenant_id", "connections.id"],
            name=op.f("fk_opportunities_tenant_id_connection_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_opportunities")),
        sa.UniqueConstraint(
            "tenant_id",
            "connection_id",
            "source_id",
            name=op.f("uq_opportunities_tenant_id_connection_id_source_id"),
        ),
    )
    op.create_index(
        "ix_opportunities_emit_at",
        "opportunities",
        ["emit_at"],
        unique=False,
        postgresql_where=sa.text("due_at is not null"),
    )
    op.create_index("ix_opportunities_id", "opportunities", ["id"], unique=False)
    op.create_index(
        "ix_opportunities_tenant_id_state", "opportunities", ["tenant_id", "state", "id"], unique=False
    )
    op.create_table(
        "sessions",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["people.tenant_id", "people.id"],
            name=op.f("fk_sessions_tenant_id_person_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "secret_hash", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_secret_hash", "sessions", ["secret_hash"], unique=False)
    op.create_table(
        "effects",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("opportunity_id", sa.UUID(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("request", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("intended_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), nullable=False),
        sa.Column("outside_id", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("response", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("response_digest", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "opportunity_id"],
            ["opportunities.tenant_id", "opportunities.id"],
            name=op.f("fk_effects_tenant_id_opportunity_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "key", name=op.f("pk_effects")),
    )
    op.create_index(
        "ix_effects_tenant_id_opportunity_id", "effects", ["tenant_id", "opportunity_id"], unique=False
    )
    op.create_table(
        "exception_items",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("opportunity_id", sa.UUID(), nullable=True),
        sa.Column("delivery_id", sa.UUID(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column(
            "findings",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("payload_reference", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("occurrences", sa.Integer(), server_default="1", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delivery_id"],
            ["inbox.tenant_id", "inbox.id"],
            name=op.f("fk_exception_items_tenant_id_delivery_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "opportunity_id"],
            ["opportunities.tenant_id", "opportunities.id"],
            name=op.f("fk_exception_items_tenant_id_opportunity_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_exception_items")),
    )
    op.create_index(
        "ix_exception_items_tenant_id_opportunity_id",
        "exception_items",
        ["tenant_id", "opportunity_id"],
        unique=False,
    )
    op.create_index(
        "ix_exception_items_tenant_id_status", "exception_items", ["tenant_id", "status", "id"], unique=False
    )
    op.create_table(
        "inbox_opportunities",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("inbox_id", sa.UUID(), nullable=False),
        sa.Column("opportunity_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "inbox_id"],
            ["inbox.tenant_id", "inbox.id"],
            name=op.f("fk_inbox_opportunities_tenant_id_inbox_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "opportunity_id"],
            ["opportunities.tenant_id", "opportunities.id"],
            name=op.f("fk_inbox_opportunities_tenant_id_opportunity_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "inbox_id", "opportunity_id", name=op.f("pk_inbox_opportunities")),
    )
    op.create_table(
        "plans",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("opportunity_id", sa.UUID(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("provenance", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "opportunity_id"],
            ["opportunities.tenant_id", "opportunities.id"],
            name=op.f("fk_plans_tenant_id_opportunity_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "opportunity_id", "hash", name=op.f("pk_plans")),
        sa.UniqueConstraint(
            "tenant_id", "opportunity_id", "number", name=op.f("uq_plans_tenant_id_opportunity_id_number")
        ),
    )
    op.create_table(
        "approval_tasks",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("opportunity_id", sa.UUID(), nullable=False),
        sa.Column("plan_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("candidates", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "decided_by"],
            ["people.tenant_id", "people.id"],
            name=op.f("fk_approval_tasks_tenant_id_decided_by"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "opportunity_id", "plan_hash"],
            ["plans.tenant_id", "plans.opportunity_id", "plans.hash"],
            name=op.f("fk_approval_tasks_tenant_id_opportunity_id_plan_hash"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_approval_tasks")),
    )
    op.create_index(
        "ix_approval_tasks_tenant_id_status", "approval_tasks", ["tenant_id", "status", "id"], unique=False
    )
    op.create_index(
        "uq_approval_tasks_live",
        "approval_tasks",
        ["tenant_id", "opportunity_id", "plan_hash", "role"],
        unique=True,
        postgresql_where=sa.text("status <> 'void'"),
    )
    op.create_index(
        "uq_approval_tasks_one_role_each",
        "approval_tasks",
        ["tenant_id", "opportunity_id", "plan_hash", "decided_by"],
        unique=True,
        postgresql_where=sa.text("status = 'approved'"),
    )

    # An installation has one tenant until tenants can be managed.
    op.execute("insert into tenants (id, name) values ('default', 'Default')")
    op.execute(_AUDIT_NEVER_CHANGES)
    op.execute(_REPORTING)


def downgrade() -> None:
    op.execute("drop schema reporting cascade")
    op.drop_index(
        "uq_approval_tasks_one_role_each",
        table_name="approval_tasks",
        postgresql_where=sa.text("status = 'approved'"),
    )
    op.drop_index(
        "uq_approval_tasks_live", table_name="approval_tasks", postgresql_where=sa.text("status <> 'void'")
    )
    op.drop_index("ix_approval_tasks_tenant_id_status", table_name="approval_tasks")
    op.drop_table("approval_tasks")
    op.drop_table("plans")
    op.drop_table("inbox_opportunities")
    op.drop_index("ix_exception_items_tenant_id_status", table_name="exception_items")
    op.drop_index("ix_exception_items_tenant_id_opportunity_id", table_name="exception_items")
    op.drop_table("exception_items")
    op.drop_index("ix_effects_tenant_id_opportunity_id", table_name="effects")
    op.drop_table("effects")
    op.drop_index("ix_sessions_secret_hash", table_name="sessions")
    op.drop_table("sessions")
    op.drop_index("ix_opportunities_tenant_id_state", table_name="opportunities")
    op.drop_index("ix_opportunities_id", table_name="opportunities")
    op.drop_index(
        "ix_opportunities_emit_at", table_name="opportunities", postgresql_where=sa.text("due_at is not null")
    )
    op.drop_table("opportunities")
    op.drop_table("inbox")
    op.drop_index("ix_api_tokens_secret_hash", table_name="api_tokens")
    op.drop_table("api_tokens")
    op.drop_table("reference_rows")
    op.drop_table("people")
    op.drop_index("ix_connections_id", table_name="connections")
    op.drop_table("connections")
    op.drop_table("tenants")
    op.drop_index("ix_outbox_id", table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("dead_messages")
    op.drop_index("ix_audit_tenant_id_opportunity_id", table_name="audit")
    op.drop_table("audit")
    op.execute("drop function audit_never_changes()")
