"""The mirror of the ERPs' master data, and how far it is read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, text

from adapters.postgres.tables.columns import (
    count,
    id_column,
    json_column,
    metadata,
    text_column,
    when,
)

# The one memory of master data. `seen_at`: when the ERP last said so. `gone_at`: since when a complete reading
# does not find it any more. `missed_at`: a look-up did not find it, and the next reading decides.
mirrored_rows = Table(
    "mirrored_rows",
    metadata,
    text_column("tenant_id"),
    text_column("connection_id"),
    text_column("kind"),
    text_column("company"),
    text_column("code"),
    json_column("value"),
    text_column("digest"),
    when("first_seen_at", now=True),
    when("changed_at", now=True),
    when("seen_at", now=True),
    when("missed_at", nullable=True),
    when("gone_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "connection_id", "kind", "company", "code"),
    Index(
        "ix_mirrored_rows_gone",
        "tenant_id",
        "connection_id",
        "kind",
        postgresql_where=text("gone_at is not null"),
    ),
)

# How far each ERP's master data is read; see `oppsync.domain.work.mirror.MirrorLease`.
mirrors = Table(
    "mirrors",
    metadata,
    text_column("tenant_id"),
    text_column("connection_id"),
    when("due_at", now=True),
    Column("lease_token", BigInteger, nullable=False, server_default="0"),
    when("lease_until", nullable=True),
    text_column("lease_holder", nullable=True),
    count("tries"),
    text_column("error", nullable=True),
    # Of the reading that is under way: its run, the kinds it still reads, how far the first of them is.
    id_column("run_id", nullable=True),
    json_column("kinds", empty="[]"),
    when("kind_since", nullable=True),
    text_column("after", nullable=True),
    # Who asked for the next reading, and for which kinds; empty: for all.
    text_column("asked_by", nullable=True),
    json_column("asked_kinds", empty="[]"),
    PrimaryKeyConstraint("tenant_id", "connection_id"),
)

mirror_runs = Table(
    "mirror_runs",
    metadata,
    text_column("tenant_id"),
    id_column("id"),
    text_column("connection_id"),
    when("started_at", now=True),
    when("finished_at", nullable=True),
    text_column("asked_by", nullable=True),
    json_column("kinds", empty="[]"),
    json_column("counts", empty="{}"),
    json_column("differences", empty="[]"),
    text_column("error", nullable=True),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index("ix_mirror_runs_connection", "tenant_id", "connection_id", "id"),
)
