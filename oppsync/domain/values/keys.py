"""Idempotency keys: a pure function of tenant, connection, CRM record, effect kind and node path.

Nothing in a key changes with a version, an order, a time or chance, so a restored backup or a plan made anew
finds its own projects again.
"""

from __future__ import annotations

import re
from enum import StrEnum


class EffectKind(StrEnum):
    PARENT = "parent"
    CHILD = "child"
    TASK = "task"
    BILLING_LINE = "billing"
    CRM_WRITE_BACK = "crm"
    PSA_PROJECT = "psa"
    PSA_WRITE_BACK = "psa-status"
    STAFFING = "staffing"
    NOTIFICATION = "notification"
    CANCELLATION = "cancel"
    CUSTOMER = "customer"


def outside_key(tenant_id: str, connection_id: str, record_id: str, kind: EffectKind, path: str) -> str:
    """For example `oppsync:default:sf-4mzk:006…AAQ:child:00k…AAA`."""
    return f"oppsync:{tenant_id}:{connection_id}:{record_id}:{kind}:{path}"


def slug(text: str) -> str:
    """A name as part of a path: `Senior Consultant` -> `senior-consultant`; letters of any script stay."""
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-")[:60]
