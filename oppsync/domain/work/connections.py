"""Connections: the outside systems of a tenant, as rows."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from oppsync.domain.values.model import Code, Frozen, Text


class ConnectionRole(StrEnum):
    CRM = "crm"
    ERP = "projects"  # the stored word, which older workers and clients know
    PSA = "psa"


class Connection(Frozen):
    """`id` is opaque and globally unique: it is the last part of the webhook's address and gives the tenant.

    `settings` are the vendor's own (base URL, API version, field names); secrets are kept apart, encrypted.
    """

    tenant_id: Code
    id: Code
    role: ConnectionRole
    vendor: Code
    name: Text
    settings: dict[str, Any] = {}
    signature_scheme: Code | None = None
