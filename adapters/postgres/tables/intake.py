"""Deliveries of the CRMs, and how far each CRM is polled."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
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

inbox = Table(
    "inbox",
    metadata,
    text_column("tenant_id"),
    id_column("id"),
    text_column("connection_id"),
    text_column("delivery_id"),
    when("received_at", now=True),
    json_column("headers", empty="{}"),
    # Emptied by retention, which sets `pruned_at`.
    Column("body", LargeBinary, nullable=False),
    text_column("traceparent"),
    text_column("body_sha256", nullable=True),
    when("pruned_at", nullable=True),
    # Whether a webhook brought it or a poll found it; if a poll, how long after the change.
    text_column("source", default="webhook"),
    Column("late_seconds", Integer, nullable=True),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "connection_id", "delivery_id"),
    ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
    Index("ix_inbox_unpruned", "received_at", postgresql_where=text("pruned_at is null")),
)

inbox_opportunities = Table(
    "inbox_opportunities",
    metadata,
    text_column("tenant_id"),
    id_column("inbox_id"),
    id_column("opportunity_id"),
    PrimaryKeyConstraint("tenant_id", "inbox_id", "opportunity_id"),
    ForeignKeyConstraint(["tenant_id", "inbox_id"], ["inbox.tenant_id", "inbox.id"]),
    of_opportunity(),
)

# How far each CRM connection is polled; see `oppsync.domain.work.polling.Watermark`.
crm_watermarks = Table(
    "crm_watermarks",
    metadata,
    text_column("tenant_id"),
    text_column("connection_id"),
    when("covered_until", nullable=True),
    when("covers", nullable=True),
    when("page_from", nullable=True),
    text_column("page_after", nullable=True),
    # What was deleted before is known.
    when("deletions_until", nullable=True),
    when("due_at", now=True),
    Column("lease_token", BigInteger, nullable=False, server_default="0"),
    when("lease_until", nullable=True),
    text_column("lease_holder", nullable=True),
    count("tries"),
    text_column("error", nullable=True),
    when("polled_at", nullable=True),
    # What polls brought since the connection exists.
    count("deals"),
    count("changes"),
    Column("last_late_seconds", Integer, nullable=True),
    Column("most_late_seconds", Integer, nullable=True),
    PrimaryKeyConstraint("tenant_id", "connection_id"),
    ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
)
