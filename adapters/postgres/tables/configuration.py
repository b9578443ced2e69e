"""The configuration's versions, and what is proposed as the next one."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from adapters.postgres.tables.columns import id_column, json_column, metadata, text_column, when

configuration_versions = Table(
    "configuration_versions",
    metadata,
    text_column("tenant_id"),
    Column("number", Integer, nullable=False),
    text_column("fingerprint"),
    text_column("firm"),
    # All governed rows, as they were: `reference_rows` has those of the latest version only.
    json_column("rows"),
    text_column("made_by"),
    text_column("approved_by", nullable=True),
    # By one person where going live would have asked for two.
    Column("alone", Boolean, nullable=False, server_default=text("false")),
    text_column("note", default=""),
    Column("reverts_to", Integer, nullable=True),
    when("made_at", now=True),
    PrimaryKeyConstraint("tenant_id", "number"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
)

# Which rows a version of a live firm changed so that money or approvals move, each with the counter of edits
# that it had from then on: a plan's provenance names a row by that. `fields`: which of its values it changed;
# null: the whole row, which it added.
configuration_changes = Table(
    "configuration_changes",
    metadata,
    text_column("tenant_id"),
    Column("number", Integer, nullable=False),
    text_column("kind"),
    text_column("key"),
    Column("valid_from", Date, nullable=False),
    Column("version", Integer, nullable=False),
    Column("fields", ARRAY(Text), nullable=True),
    PrimaryKeyConstraint("tenant_id", "kind", "key", "valid_from", "number"),
    ForeignKeyConstraint(
        ["tenant_id", "number"], ["configuration_versions.tenant_id", "configuration_versions.number"]
    ),
)

configuration_proposals = Table(
    "configuration_proposals",
    metadata,
    text_column("tenant_id"),
    id_column("id"),
    # The fingerprint of the rows that it was compared with.
    text_column("against"),
    text_column("fingerprint"),
    text_column("firm"),
    json_column("rows"),
    id_column("proposed_by"),
    text_column("note", default=""),
    Column("reverts_to", Integer, nullable=True),
    when("proposed_at", now=True),
    text_column("status", default="open"),
    id_column("decided_by", nullable=True),
    when("decided_at", nullable=True),
    text_column("comment", default=""),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "proposed_by"], ["people.tenant_id", "people.id"]),
    ForeignKeyConstraint(["tenant_id", "decided_by"], ["people.tenant_id", "people.id"]),
    # A last guard in the database: nobody approves what they proposed.
    CheckConstraint("decided_by <> proposed_by or status = 'rejected'", name="two_people"),
)

# What the last won deals would become by rows with this fingerprint: the latest report. A proposal or a version
# with the rows shows it.
backtests = Table(
    "backtests",
    metadata,
    text_column("tenant_id"),
    text_column("fingerprint"),
    when("made_at"),
    json_column("content"),
    PrimaryKeyConstraint("tenant_id", "fingerprint"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
)
