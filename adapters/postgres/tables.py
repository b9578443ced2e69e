"""All tables. Each carries the tenant, and every unique key begins with it. Times are `timestamptz`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _when(name: str, *, nullable: bool = False, now: bool = False) -> Column[Any]:
    default = func.now() if now else None
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)


def _text(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    return Column(name, Text, nullable=nullable, server_default=default)


def _json(name: str, *, nullable: bool = False, empty: str | None = None) -> Column[Any]:
    return Column(
        name,
        JSONB(none_as_null=True),
        nullable=nullable,
        server_default=text(f"'{empty}'::jsonb") if empty else None,
    )


def _id(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, UUID(as_uuid=True), nullable=nullable)


def _count(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False, server_default="0")


def _of_opportunity() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "opportunity_id"], ["opportunities.tenant_id", "opportunities.id"]
    )


tenants = Table("tenants", metadata, _text("id"), _text("name"), PrimaryKeyConstraint("id"))

connections = Table(
    "connections",
    metadata,
    _text("tenant_id"),
    _text("id"),
    _text("role"),
    _text("vendor"),
    _text("name"),
    _json("settings", empty="{}"),
    _text("signature_scheme", nullable=True),
    # MultiFernet ciphertext of a JSON document that names tenant and connection inside.
    Column("secrets", LargeBinary, nullable=False),
    _when("updated_at", now=True),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
    # The webhook's address carries the id alone.
    Index("ix_connections_id", "id"),
)

people = Table(
    "people",
    metadata,
    _text("tenant_id"),
    _id("id"),
    _text("email"),
    _text("name"),
    Column("roles", ARRAY(Text), nullable=False),
    _text("password_hash"),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    _when("created_at", now=True),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "email"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
)

sessions = Table(
    "sessions",
    metadata,
    _text("tenant_id"),
    _text("secret_hash"),
    _id("person_id"),
    _when("created_at", now=True),
    _when("expires_at"),
    PrimaryKeyConstraint("tenant_id", "secret_hash"),
    ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"]),
    Index("ix_sessions_secret_hash", "secret_hash"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    _text("tenant_id"),
    _text("name"),
    _text("secret_hash"),
    _id("person_id"),
    _when("created_at", now=True),
    _when("revoked_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "name"),
    ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"]),
    Index("ix_api_tokens_secret_hash", "secret_hash"),
)

inbox = Table(
    "inbox",
    metadata,
    _text("tenant_id"),
    _id("id"),
    _text("connection_id"),
    _text("delivery_id"),
    _when("received_at", now=True),
    _json("headers", empty="{}"),
    # Emptied by retention, which sets `pruned_at`.
    Column("body", LargeBinary, nullable=False),
    _text("traceparent"),
    _text("body_sha256", nullable=True),
    _when("pruned_at", nullable=True),
    # Told by a webhook, or found by us: then how long after it changed.
    _text("source", default="webhook"),
    Column("late_seconds", Integer, nullable=True),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "connection_id", "delivery_id"),
    ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
    Index("ix_inbox_unpruned", "received_at", postgresql_where=text("pruned_at is null")),
)

opportunities = Table(
    "opportunities",
    metadata,
    _text("tenant_id"),
    _id("id"),
    _text("connection_id"),
    _text("source_id"),
    _text("state"),
    _text("resume_state", nullable=True),
    _when("state_since", now=True),
    Column("version", BigInteger, nullable=False, server_default="0"),
    _count("tries"),
    _count("crashes"),
    Column("reread_requested", BigInteger, nullable=False, server_default="0"),
    Column("reread_done", BigInteger, nullable=False, server_default="0"),
    Column("lease_token", BigInteger, nullable=False, server_default="0"),
    _when("lease_until", nullable=True),
    # Set while a worker holds the lease; left behind by one that died.
    _text("lease_holder", nullable=True),
    # Work may start from `due_at` on; null: only when somebody acts. The sweeper sends from `emit_at` on.
    _when("due_at", nullable=True),
    _when("emit_at", now=True),
    _json("record", nullable=True),
    _text("record_digest", nullable=True),
    _json("enrichment", nullable=True),
    _text("plan_hash", nullable=True),
    # The CRM's time of the latest change that we were told of.
    _when("told_until", nullable=True),
    # Copies of the record's fields for lists and the reporting view.
    _text("name", nullable=True),
    _text("account", nullable=True),
    Column("amount", Numeric(20, 4), nullable=True),
    _text("currency", nullable=True),
    _when("received_at", now=True),
    _when("activated_at", nullable=True),
    # Why a person gave it up after its approval.
    _text("compensation_reason", nullable=True),
    # Of the last validation; those of the enrichment stand in it.
    _json("warnings", empty="[]"),
    _text("traceparent"),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "connection_id", "source_id"),
    ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
    # A message carries the id alone.
    Index("ix_opportunities_id", "id"),
    Index("ix_opportunities_tenant_id_state", "tenant_id", "state", "id"),
    Index("ix_opportunities_emit_at", "emit_at", postgresql_where=text("due_at is not null")),
    Index(
        "ix_opportunities_lane",
        "tenant_id",
        "connection_id",
        "emit_at",
        postgresql_where=text("due_at is not null"),
    ),
    # Which customers are known.
    Index(
        "ix_opportunities_customer",
        "tenant_id",
        text("((record -> 'account') ->> 'code')"),
        postgresql_where=text("activated_at is not null"),
    ),
)

# How far each CRM connection is polled; see `oppsync.domain.polling.Watermark`.
crm_watermarks = Table(
    "crm_watermarks",
    metadata,
    _text("tenant_id"),
    _text("connection_id"),
    _when("covered_until", nullable=True),
    _when("covers", nullable=True),
    _when("page_from", nullable=True),
    _text("page_after", nullable=True),
    _when("due_at", now=True),
    Column("lease_token", BigInteger, nullable=False, server_default="0"),
    _when("lease_until", nullable=True),
    _text("lease_holder", nullable=True),
    _count("tries"),
    _text("error", nullable=True),
    _when("polled_at", nullable=True),
    # What polls brought since the connection is there.
    _count("deals"),
    _count("changes"),
    Column("last_late_seconds", Integer, nullable=True),
    Column("most_late_seconds", Integer, nullable=True),
    PrimaryKeyConstraint("tenant_id", "connection_id"),
    ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
)

inbox_opportunities = Table(
    "inbox_opportunities",
    metadata,
    _text("tenant_id"),
    _id("inbox_id"),
    _id("opportunity_id"),
    PrimaryKeyConstraint("tenant_id", "inbox_id", "opportunity_id"),
    ForeignKeyConstraint(["tenant_id", "inbox_id"], ["inbox.tenant_id", "inbox.id"]),
    _of_opportunity(),
)

outbox = Table(
    "outbox",
    metadata,
    _text("tenant_id"),
    _id("id"),
    _id("opportunity_id"),
    _text("stage"),
    _when("created_at", now=True),
    _text("traceparent"),
    # The opportunity's: each connection gets its share of what is sent.
    _text("connection_id", nullable=True),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index("ix_outbox_id", "id"),
    Index("ix_outbox_lane", "tenant_id", "connection_id", "id"),
    Index("ix_outbox_opportunity", "tenant_id", "opportunity_id"),
)

plans = Table(
    "plans",
    metadata,
    _text("tenant_id"),
    _id("opportunity_id"),
    _text("hash"),
    Column("number", Integer, nullable=False),
    _json("content"),
    _json("provenance"),
    _when("made_at", now=True),
    PrimaryKeyConstraint("tenant_id", "opportunity_id", "hash"),
    UniqueConstraint("tenant_id", "opportunity_id", "number"),
    _of_opportunity(),
)

# What people said of a plan's workstreams, each with a reason; the last word on a field counts.
plan_overrides = Table(
    "plan_overrides",
    metadata,
    _text("tenant_id"),
    _id("id"),
    _id("opportunity_id"),
    _text("workstream"),
    _text("field"),
    _text("value", nullable=True),
    _text("reason"),
    _id("made_by"),
    _when("made_at", now=True),
    PrimaryKeyConstraint("tenant_id", "id"),
    _of_opportunity(),
    ForeignKeyConstraint(["tenant_id", "made_by"], ["people.tenant_id", "people.id"]),
    Index("ix_plan_overrides_tenant_id_opportunity_id", "tenant_id", "opportunity_id", "id"),
)

# What an opportunity was to cost, earn and take when it became active: written once.
baselines = Table(
    "baselines",
    metadata,
    _text("tenant_id"),
    _id("opportunity_id"),
    _text("plan_hash"),
    _when("frozen_at"),
    _json("content"),
    PrimaryKeyConstraint("tenant_id", "opportunity_id"),
    _of_opportunity(),
)

approval_tasks = Table(
    "approval_tasks",
    metadata,
    _text("tenant_id"),
    _id("id"),
    _id("opportunity_id"),
    _text("plan_hash"),
    _text("role"),
    _text("status"),
    Column("candidates", ARRAY(UUID(as_uuid=True)), nullable=False),
    _when("opened_at", now=True),
    _when("decided_at", nullable=True),
    _id("decided_by", nullable=True),
    _text("comment", default=""),
    # Approved without a person: the rule's name and row.
    _json("rule", nullable=True),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(
        ["tenant_id", "opportunity_id", "plan_hash"],
        ["plans.tenant_id", "plans.opportunity_id", "plans.hash"],
    ),
    ForeignKeyConstraint(["tenant_id", "decided_by"], ["people.tenant_id", "people.id"]),
    # One live task for each role of a plan; void ones stay as history.
    Index(
        "uq_approval_tasks_live",
        "tenant_id",
        "opportunity_id",
        "plan_hash",
        "role",
        unique=True,
        postgresql_where=text("status <> 'void'"),
    ),
    # Nobody decides for both roles of a plan, whatever the code above believes.
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
)

effects = Table(
    "effects",
    metadata,
    _text("tenant_id"),
    _text("key"),
    _text("kind"),
    _text("path"),
    _id("opportunity_id"),
    _text("connection_id"),
    _text("state"),
    _json("request"),
    _text("request_digest"),
    _count("attempts"),
    _when("intended_at", now=True),
    _when("sent_at", nullable=True),
    _when("confirmed_at", nullable=True),
    _when("updated_at", now=True),
    Column("lease_token", BigInteger, nullable=False),
    _text("outside_id", nullable=True),
    _text("number", nullable=True),
    _text("url", nullable=True),
    _json("response", nullable=True),
    _text("response_digest", nullable=True),
    _text("error", nullable=True),
    _text("traceparent"),
    # Request and response were emptied by retention; their digests stay.
    _when("pruned_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "key"),
    _of_opportunity(),
    Index("ix_effects_tenant_id_opportunity_id", "tenant_id", "opportunity_id"),
    Index(
        "ix_effects_unpruned",
        "confirmed_at",
        postgresql_where=text("pruned_at is null and state = 'confirmed'"),
    ),
)

vendor_calls = Table(
    "vendor_calls",
    metadata,
    _text("tenant_id"),
    _id("id"),
    _when("at"),
    _id("opportunity_id"),
    _text("connection_id"),
    _text("stage"),
    _text("method"),
    _text("target"),
    Column("status", Integer, nullable=True),
    _text("outcome"),
    Column("milliseconds", Integer, nullable=False),
    # Redacted and cut before they come here; deleted with their row by retention.
    _text("request", nullable=True),
    _text("response", nullable=True),
    _text("traceparent"),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index("ix_vendor_calls_opportunity", "tenant_id", "opportunity_id", "id"),
    Index("ix_vendor_calls_at", "at"),
)

exception_items = Table(
    "exception_items",
    metadata,
    _text("tenant_id"),
    _id("id"),
    _id("opportunity_id", nullable=True),
    _id("delivery_id", nullable=True),
    _text("stage", nullable=True),
    _text("disposition"),
    _text("code"),
    _text("message"),
    _text("owner"),
    _json("findings", empty="[]"),
    _text("payload_reference"),
    _text("status"),
    _when("first_seen", now=True),
    _when("last_seen", now=True),
    Column("occurrences", Integer, nullable=False, server_default="1"),
    _when("closed_at", nullable=True),
    _text("closed_by", nullable=True),
    _text("reason", default=""),
    PrimaryKeyConstraint("tenant_id", "id"),
    _of_opportunity(),
    ForeignKeyConstraint(["tenant_id", "delivery_id"], ["inbox.tenant_id", "inbox.id"]),
    Index("ix_exception_items_tenant_id_status", "tenant_id", "status", "id"),
    Index("ix_exception_items_tenant_id_opportunity_id", "tenant_id", "opportunity_id"),
)

audit = Table(
    "audit",
    metadata,
    _text("tenant_id"),
    _id("id"),
    _when("at", now=True),
    _id("opportunity_id", nullable=True),
    _text("type"),
    _text("actor"),
    _text("summary"),
    _json("before"),
    _json("after"),
    _json("detail"),
    _text("correlation_id"),
    _text("traceparent"),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index("ix_audit_tenant_id_opportunity_id", "tenant_id", "opportunity_id", "id"),
)

reference_rows = Table(
    "reference_rows",
    metadata,
    _text("tenant_id"),
    _text("kind"),
    _text("key"),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, nullable=True),
    Column("version", Integer, nullable=False, server_default="1"),
    _json("value"),
    _when("updated_at", now=True),
    PrimaryKeyConstraint("tenant_id", "kind", "key", "valid_from"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
)

# Dead letters that Dramatiq made by itself, copied here before Redis forgets them.
dead_messages = Table(
    "dead_messages",
    metadata,
    _text("tenant_id"),
    _text("message_id"),
    _text("queue"),
    _text("actor"),
    _id("opportunity_id", nullable=True),
    _json("message"),
    _when("found_at", now=True),
    PrimaryKeyConstraint("tenant_id", "message_id"),
)
