"""Connections: the outside systems of a tenant, as rows."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import AwareDatetime

from oppsync.domain.values.model import Code, Frozen, Text


class ConnectionRole(StrEnum):
    CRM = "crm"
    ERP = "projects"  # the stored word, which older workers and clients know
    PSA = "psa"

    @property
    def in_words(self) -> str:
        return self.name


class Connection(Frozen):
    """`id` is opaque and globally unique: it is the last part of the webhook's address and gives the tenant.

    `settings` are the vendor's own (base URL, API version, field names); secrets are kept apart, encrypted.
    While it is paused, its webhooks are accepted and nothing is called there. `secret_ends`: fingerprint of a
    webhook secret that was replaced -> until when it is accepted (`webhook_secrets.py`). `tested_at`: when it
    was last tested as it is set now, `test_faults` how much was missing then, `test_missing` the first of it.
    """

    tenant_id: Code
    id: Code
    role: ConnectionRole
    vendor: Code
    name: Text
    settings: dict[str, Any] = {}
    signature_scheme: Code | None = None
    paused_at: AwareDatetime | None = None
    secret_ends: dict[str, AwareDatetime] = {}
    tested_at: AwareDatetime | None = None
    test_faults: int | None = None
    test_missing: tuple[Text, ...] = ()

    @property
    def is_well_tested(self) -> bool:
        return self.tested_at is not None and not self.test_faults


# What the life of a connection changes; setting it anew leaves these as they are.
KEPT_APART = frozenset({"paused_at", "secret_ends", "tested_at", "test_faults", "test_missing"})
# So many things that a test found missing are kept in words.
MOST_MISSING = 20


def paused_words(connection: Connection) -> str:
    """Why a deal waits for it."""
    return f"The connection {connection.name} ({connection.id}) is paused: the deal goes on when it is resumed"


class InFlight(NamedTuple):
    """Deals under way, and the names of the first of them."""

    number: int
    names: tuple[str, ...]
