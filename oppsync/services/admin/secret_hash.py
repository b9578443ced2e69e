"""How secrets of sessions and tokens are stored."""

from __future__ import annotations

import hashlib


def hash_secret(secret: str) -> str:
    """SHA-256. The secrets have 256 random bits, so a plain digest is enough, and it can be looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()
