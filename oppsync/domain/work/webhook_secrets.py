"""The secrets that sign a connection's webhooks: a new one replaces the one before, which is accepted a while
longer.

They are a plain list, the newest first, as every release reads it. Until when each older one is accepted stands
beside, under its fingerprint; one without an end is accepted for good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

WEBHOOK_SECRETS = "webhook_secrets"  # the name of the list among a connection's secrets
BOTH_VALID = timedelta(hours=24)
LONGEST_BOTH_VALID = timedelta(days=30)
_FINGERPRINT = 16

Ends = Mapping[str, datetime]


class Rotated(NamedTuple):
    secrets: list[str]
    ends: dict[str, datetime]


def fingerprint(secret: str) -> str:
    """Tells secrets apart; of a random one nothing can be guessed from it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:_FINGERPRINT]


def accepted(secrets: Sequence[str], ends: Ends, now: datetime) -> list[str]:
    """Those that still sign."""
    return [
        secret
        for secret in secrets
        if now < ends.get(fingerprint(secret), datetime.max.replace(tzinfo=now.tzinfo))
    ]


def rotated(secrets: Sequence[str], ends: Ends, new: str, now: datetime, both_valid: timedelta) -> Rotated:
    """The new secret first, then the one before it, not longer than `both_valid`. Earlier ones end: two are
    valid at once, and no more."""
    until = now + both_valid
    kept = accepted(secrets, ends, now)[:1] if both_valid else []
    latest = {fingerprint(secret): min(until, ends.get(fingerprint(secret), until)) for secret in kept}
    return Rotated([new, *kept], latest)
