"""Opportunities on their way, their messages, and what waits for a person."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from adapters.postgres.tables.columns import (
    count,
    id_column,
    json_column,
    metadata,
    of_opportunity,
    text_column,
    when,
)

# Letters and digits of a purchase order's number, nearly as `identifiers.purchase_order_key` has them.
PURCHASE_ORDER = "(record -> 'contract') ->> 'po_number'"
PURCHASE_ORDER_KEY = (
    f"regexp_replace(lower(regexp_replace({PURCHASE_ORDER}, '[^a-zA-Z0-9]', '', 'g')), '^po', '')"
)

opportunities = Table(
    "opportunities",
    metadata,
    text_column("tenant_id"),
    id_column("id"),
    text_column("connection_id"),
    text_column("source_id"),
    text_column("state"),
    text_column("resume_state", nullable=True),
    when("state_since", now=True),
    Column("version", BigInteger, nullable=False, server_default="0"),
    count("tries"),
    count("crashes"),
    Column("reread_requested", BigInteger, nullable=False, server_default="0"),
    Column("reread_done", BigInteger, nullable=False, server_default="0"),
    Column("lease_token", BigInteger, nullable=False, server_default="0"),
    when("lease_until", nullable=True),
    # Set while a worker holds the lease; a worker that died leaves it behind.
    text_column("lease_holder", nullable=True),
    # Work may start from `due_at` on; null: only when somebody acts. The sweeper sends from `emit_at` on.
    when("due_at", nullable=True),
    when("emit_at", now=True),
    json_column("record", nullable=True),
    text_column("record_digest", nullable=True),
    # As it was when the plan was approved, and what the CRM says otherwise since then.
    json_column("approved_record", nullable=True),
    json_column("changes_since_approval", empty="[]"),
    json_column("enrichment", nullable=True),
    text_column("plan_hash", nullable=True),
    # While parked it is read again from then on; null: it was not read since it was parked.
    when("recheck_at", nullable=True),
    # The CRM's time of the latest change that reached us.
    when("told_until", nullable=True),
    # Copies of the record's fields for lists; amount and currency are those approved, once they are.
    text_column("name", nullable=True),
    text_column("account", nullable=True),
    Column("amount", Numeric(20, 4), nullable=True),
    text_column("currency", nullable=True),
    # The contracting entity and the close date of the record, as approved once it is: set by the trigger
    # `copy_deal_facts`, so that they are right whichever release writes the record.
    text_column("legal_entity", nullable=True),
    Column("won_on", Date, nullable=True),
    when("received_at", now=True),
    when("activated_at", nullable=True),
    # Why a person gave it up after its approval.
    text_column("compensation_reason", nullable=True),
    # The last validation's warnings; those of the enrichment are in its own document.
    json_column("warnings", empty="[]"),
    # What the ERP said when it was validated.
    json_column("erp_facts", nullable=True),
    # Findings that people confirmed.
    json_column("confirmations", empty="[]"),
    # Whom the last validation found in the ERP.
    json_column("customer", nullable=True),
    # Why it waits for a moment that comes by itself (`due_at`).
    text_column("waits_for", nullable=True),
    text_column("traceparent"),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "connection_id", "source_id"),
    ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
    # A message carries only the id.
    Index("ix_opportunities_id", "id"),
    Index("ix_opportunities_tenant_id_state", "tenant_id", "state", "id"),
    # Deals of a period, for dashboards: all that they count of a deal is in it.
    Index(
        "ix_opportunities_won_on",
        "tenant_id",
        "won_on",
        postgresql_include=["id", "state", "activated_at", "received_at", "legal_entity", "plan_hash"],
    ),
    Index("ix_opportunities_emit_at", "emit_at", postgresql_where=text("due_at is not null")),
    Index(
        "ix_opportunities_lane",
        "tenant_id",
        "connection_id",
        "emit_at",
        postgresql_where=text("due_at is not null"),
    ),
    # Deals that are judged together: of one purchase order, of one amount.
    Index(
        "ix_opportunities_purchase_order",
        "tenant_id",
        text(PURCHASE_ORDER_KEY),
        postgresql_where=text(f"({PURCHASE_ORDER}) is not null"),
    ),
    Index("ix_opportunities_amount", "tenant_id", "amount", "currency"),
    # Which customers are known.
    Index(
        "ix_opportunities_customer",
        "tenant_id",
        text("((record -> 'account') ->> 'code')"),
        postgresql_where=text("activated_at is not null"),
    ),
    Index(
        "ix_opportunities_erp_customer",
        "tenant_id",
        text("(customer ->> 'code')"),
        postgresql_where=text("activated_at is not null"),
    ),
)

# Users of a CRM under every address that was ever read of them, '' where none was: append only.
crm_users = Table(
    "crm_users",
    metadata,
    text_column("tenant_id"),
    text_column("connection_id"),
    text_column("user_id"),
    text_column("email"),
    text_column("name"),
    when("seen_at", now=True),
    PrimaryKeyConstraint("tenant_id", "connection_id", "user_id", "email"),
    ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
)

# Who ever owned or requested an opportunity, by any reading: append only.
opportunity_parties = Table(
    "opportunity_parties",
    metadata,
    text_column("tenant_id"),
    id_column("opportunity_id"),
    text_column("part"),
    text_column("user_id"),
    when("seen_at", now=True),
    PrimaryKeyConstraint("tenant_id", "opportunity_id", "part", "user_id"),
    of_opportunity(),
    # Which deals a person may not approve.
    Index("ix_opportunity_parties_user", "tenant_id", "user_id", "opportunity_id"),
)

outbox = Table(
    "outbox",
    metadata,
    text_column("tenant_id"),
    id_column("id"),
    id_column("opportunity_id"),
    text_column("stage"),
    when("created_at", now=True),
    text_column("traceparent"),
    # The opportunity's connection: each connection gets its share of what is sent.
    text_column("connection_id", nullable=True),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index("ix_outbox_id", "id"),
    Index("ix_outbox_lane", "tenant_id", "connection_id", "id"),
    Index("ix_outbox_opportunity", "tenant_id", "opportunity_id"),
)

exception_items = Table(
    "exception_items",
    metadata,
    text_column("tenant_id"),
    id_column("id"),
    id_column("opportunity_id", nullable=True),
    id_column("delivery_id", nullable=True),
    text_column("stage", nullable=True),
    text_column("disposition"),
    text_column("code"),
    text_column("message"),
    text_column("owner"),
    json_column("findings", empty="[]"),
    text_column("payload_reference"),
    text_column("status"),
    when("first_seen", now=True),
    when("last_seen", now=True),
    Column("occurrences", Integer, nullable=False, server_default="1"),
    when("closed_at", nullable=True),
    text_column("closed_by", nullable=True),
    text_column("reason", default=""),
    PrimaryKeyConstraint("tenant_id", "id"),
    of_opportunity(),
    ForeignKeyConstraint(["tenant_id", "delivery_id"], ["inbox.tenant_id", "inbox.id"]),
    Index("ix_exception_items_tenant_id_status", "tenant_id", "status", "id"),
    Index("ix_exception_items_tenant_id_opportunity_id", "tenant_id", "opportunity_id"),
    # One open item for each subject and code, also when two processes raise it at once.
    Index(
        "uq_exception_items_open",
        "tenant_id",
        text("coalesce(opportunity_id::text, delivery_id::text, payload_reference)"),
        "code",
        unique=True,
        postgresql_where=text("status = 'open'"),
    ),
)

audit = Table(
    "audit",
    metadata,
    text_column("tenant_id"),
    id_column("id"),
    when("at", now=True),
    id_column("opportunity_id", nullable=True),
    text_column("type"),
    text_column("actor"),
    text_column("summary"),
    json_column("before"),
    json_column("after"),
    json_column("detail"),
    text_column("correlation_id"),
    text_column("traceparent"),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index("ix_audit_tenant_id_opportunity_id", "tenant_id", "opportunity_id", "id"),
)

# Dead letters that Dramatiq made by itself, copied here before they expire in Redis.
dead_messages = Table(
    "dead_messages",
    metadata,
    text_column("tenant_id"),
    text_column("message_id"),
    text_column("queue"),
    text_column("actor"),
    id_column("opportunity_id", nullable=True),
    json_column("message"),
    when("found_at", now=True),
    PrimaryKeyConstraint("tenant_id", "message_id"),
)
