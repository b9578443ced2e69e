"""An installation: its tenants, connections, people and their credentials, and reference data."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from adapters.postgres.tables.columns import id_column, json_column, metadata, text_column, when

tenants = Table(
    "tenants",
    metadata,
    text_column("id"),
    text_column("name"),
    # None until somebody named the firm.
    text_column("time_zone", nullable=True),
    # From then on what moves money needs two people.
    when("went_live_at", nullable=True),
    text_column("went_live_by", nullable=True),
    text_column("second_admin", nullable=True),
    # The last deal that was tried during set-up, and what would stop it.
    json_column("tried_deal", nullable=True),
    PrimaryKeyConstraint("id"),
)

connections = Table(
    "connections",
    metadata,
    text_column("tenant_id"),
    text_column("id"),
    text_column("role"),
    text_column("vendor"),
    text_column("name"),
    json_column("settings", empty="{}"),
    text_column("signature_scheme", nullable=True),
    # MultiFernet ciphertext of a JSON document that names tenant and connection inside.
    Column("secrets", LargeBinary, nullable=False),
    when("updated_at", now=True),
    # Paused: nothing is called there. Removed: kept for the rows that name it.
    when("paused_at", nullable=True),
    when("removed_at", nullable=True),
    # Fingerprint of a webhook secret that was replaced -> until when it is accepted.
    json_column("secret_ends", empty="{}"),
    # When it was last tested as it is set now, and how much was missing; the first of it in words.
    when("tested_at", nullable=True),
    Column("test_faults", Integer, nullable=True),
    json_column("test_missing", empty="[]"),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
    # The webhook's address carries the id alone.
    Index("ix_connections_id", "id"),
)

people = Table(
    "people",
    metadata,
    text_column("tenant_id"),
    id_column("id"),
    text_column("email"),
    text_column("name"),
    Column("roles", ARRAY(Text), nullable=False),
    text_column("password_hash"),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    when("created_at", now=True),
    # What else the CRM knows them by: to bar from approving, never to sign in with.
    Column("further_emails", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("crm_user_ids", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # Of the last passwords, newest first: none of them is taken again.
    Column("former_password_hashes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # Roles that count for some entities and regions only, with these. They are not in `roles`: a release that
    # knows no limits would take them for roles without one.
    json_column("limited_roles", empty="{}"),
    # The code of the calendar that they work by; null: as the legal entity of what they are asked about.
    text_column("calendar", nullable=True),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "email"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
)

# When people are out of office, and who decides for them meanwhile.
absences = Table(
    "absences",
    metadata,
    text_column("tenant_id"),
    id_column("id"),
    id_column("person_id"),
    when("begins_at"),
    when("ends_at"),
    id_column("delegate_id", nullable=True),
    text_column("made_by"),
    when("made_at", now=True),
    # Ended before its time.
    when("ended_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"]),
    ForeignKeyConstraint(["tenant_id", "delegate_id"], ["people.tenant_id", "people.id"]),
    CheckConstraint("delegate_id <> person_id", name="another_delegate"),
    CheckConstraint("ends_at > begins_at", name="ends_after_it_begins"),
    Index("ix_absences_tenant_id_person_id", "tenant_id", "person_id", "ends_at"),
)

sessions = Table(
    "sessions",
    metadata,
    text_column("tenant_id"),
    text_column("secret_hash"),
    id_column("person_id"),
    when("created_at", now=True),
    when("expires_at"),
    when("last_seen", now=True),
    # What its person ends it by; where it came from, and with which browser.
    Column("id", UUID(as_uuid=True), nullable=False, server_default=text("gen_random_uuid()")),
    text_column("address", default=""),
    text_column("user_agent", default=""),
    PrimaryKeyConstraint("tenant_id", "secret_hash"),
    ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"]),
    Index("ix_sessions_secret_hash", "secret_hash"),
)

# Roles that two administrators have to agree to.
access_proposals = Table(
    "access_proposals",
    metadata,
    text_column("tenant_id"),
    id_column("id"),
    text_column("change"),
    text_column("email"),
    text_column("name", default=""),
    Column("roles", ARRAY(Text), nullable=False),
    json_column("limited_roles", empty="{}"),
    id_column("proposed_by"),
    when("proposed_at", now=True),
    text_column("status", default="open"),
    id_column("decided_by", nullable=True),
    when("decided_at", nullable=True),
    text_column("comment", default=""),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "proposed_by"], ["people.tenant_id", "people.id"]),
    ForeignKeyConstraint(["tenant_id", "decided_by"], ["people.tenant_id", "people.id"]),
    # A last guard in the database: nobody agrees to what they proposed.
    CheckConstraint("decided_by <> proposed_by or status = 'rejected'", name="two_administrators"),
)

# One-time links to set a password: one a person, gone when it is used.
invitations = Table(
    "invitations",
    metadata,
    text_column("tenant_id"),
    id_column("person_id"),
    text_column("secret_hash"),
    when("created_at", now=True),
    when("expires_at"),
    PrimaryKeyConstraint("tenant_id", "person_id"),
    ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"]),
    Index("ix_invitations_secret_hash", "secret_hash"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    text_column("tenant_id"),
    text_column("name"),
    text_column("secret_hash"),
    id_column("person_id"),
    when("created_at", now=True),
    when("revoked_at", nullable=True),
    # Null: from before scopes, with all that its person may do, and without an end.
    Column("scopes", ARRAY(Text), nullable=True),
    when("expires_at", nullable=True),
    when("last_used_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "name"),
    ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"]),
    Index("ix_api_tokens_secret_hash", "secret_hash"),
)

# One a person. `last_step`: of the last code that was used, so that none is used again.
second_factors = Table(
    "second_factors",
    metadata,
    text_column("tenant_id"),
    id_column("person_id"),
    # MultiFernet ciphertext of a JSON document that names tenant and person inside.
    Column("key", LargeBinary, nullable=False),
    Column("last_step", BigInteger, nullable=False, server_default="0"),
    Column("recovery_hashes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    when("created_at", now=True),
    when("confirmed_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "person_id"),
    ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"]),
)

# The password was right; the code of the second factor is missing.
begun_sign_ins = Table(
    "begun_sign_ins",
    metadata,
    text_column("tenant_id"),
    text_column("secret_hash"),
    id_column("person_id"),
    when("expires_at"),
    PrimaryKeyConstraint("tenant_id", "secret_hash"),
    ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"]),
    Index("ix_begun_sign_ins_secret_hash", "secret_hash"),
)

# What tried to come in, counted by the hour. `subject`: the account, the person of a token, or the connection.
attempts = Table(
    "access_attempts",
    metadata,
    text_column("tenant_id"),
    text_column("kind"),
    text_column("subject"),
    when("hour"),
    Column("count", Integer, nullable=False, server_default="1"),
    when("last_at"),
    text_column("last_address"),
    PrimaryKeyConstraint("tenant_id", "kind", "subject", "hour"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
    Index("ix_access_attempts_tenant_id_last_at", "tenant_id", "last_at"),
)

reference_rows = Table(
    "reference_rows",
    metadata,
    text_column("tenant_id"),
    text_column("kind"),
    text_column("key"),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, nullable=True),
    Column("version", Integer, nullable=False, server_default="1"),
    json_column("value"),
    when("updated_at", now=True),
    PrimaryKeyConstraint("tenant_id", "kind", "key", "valid_from"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
)
