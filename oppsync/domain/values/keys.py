"""Idempotency keys: a pure function of tenant, connection, CRM record, effect kind and node path.

Nothing in a key changes with a version, an order, a time or chance, so a restored backup or a plan made anew
finds its own projects again.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from oppsync.domain.values.model import LONGEST_CODE, Code

_DIGEST = 64


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
    return within_limit(f"oppsync:{tenant_id}:{connection_id}:{record_id}:{kind}:{path}")


def within_limit(key: str) -> str:
    """A key or path that is made of ids as long as a code may be: its beginning, and a digest of the whole. One
    that fits stays as it is, so that what exists under it is found."""
    if len(key) <= LONGEST_CODE:
        return key
    shown = LONGEST_CODE - _DIGEST - 1
    return f"{key[:shown]}~{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _made(value: Any) -> Any:
    return within_limit(value) if isinstance(value, str) else value


# A key or path that the core makes of outside ids.
MadeCode = Annotated[Code, BeforeValidator(_made)]


def slug(text: str) -> str:
    """A name as part of a path: `Senior Consultant` -> `senior-consultant`; letters of any script stay."""
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-")[:60]
