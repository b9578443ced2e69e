"""Effects in outside systems, and the calls made for them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, text

from adapters.postgres.tables.columns import (
    count,
    id_column,
    json_column,
    metadata,
    of_opportunity,
    text_column,
    when,
)

effects = Table(
    "effects",
    metadata,
    text_column("tenant_id"),
    text_column("key"),
    text_column("kind"),
    text_column("path"),
    id_column("opportunity_id"),
    text_column("connection_id"),
    text_column("state"),
    json_column("request"),
    text_column("request_digest"),
    count("attempts"),
    when("intended_at", now=True),
    when("sent_at", nullable=True),
    when("confirmed_at", nullable=True),
    when("updated_at", now=True),
    Column("lease_token", BigInteger, nullable=False),
    text_column("outside_id", nullable=True),
    text_column("number", nullable=True),
    text_column("url", nullable=True),
    json_column("response", nullable=True),
    text_column("response_digest", nullable=True),
    text_column("error", nullable=True),
    text_column("traceparent"),
    # Set when retention emptied request and response; their digests stay.
    when("pruned_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "key"),
    of_opportunity(),
    Index("ix_effects_tenant_id_opportunity_id", "tenant_id", "opportunity_id"),
    Index(
        "ix_effects_unpruned",
        "confirmed_at",
        postgresql_where=text("pruned_at is null and state = 'confirmed'"),
    ),
)

# The deal that may create a customer in an ERP now.
customer_claims = Table(
    "customer_claims",
    metadata,
    text_column("tenant_id"),
    text_column("connection_id"),
    id_column("opportunity_id"),
    when("until"),
    PrimaryKeyConstraint("tenant_id", "connection_id"),
)

vendor_calls = Table(
    "vendor_calls",
    metadata,
    text_column("tenant_id"),
    id_column("id"),
    when("at"),
    id_column("opportunity_id"),
    text_column("connection_id"),
    text_column("stage"),
    text_column("method"),
    text_column("target"),
    Column("status", Integer, nullable=True),
    text_column("outcome"),
    Column("milliseconds", Integer, nullable=False),
    # Redacted and cut before they are stored; deleted with their row by retention.
    text_column("request", nullable=True),
    text_column("response", nullable=True),
    text_column("traceparent"),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index("ix_vendor_calls_opportunity", "tenant_id", "opportunity_id", "id"),
    Index("ix_vendor_calls_at", "at"),
)
