"""How secrets of sessions and tokens are stored."""

from __future__ import annotations

import hashlib


def hash_secret(secret: str) -> str:
    """SHA-256. The secrets have 256 random bits, so a plain digest is enough, and it can be looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()


def hash_token(secret: str) -> str:
    """Of an API token with scopes. A release that knows no scopes looks for `hash_secret`, and does not find
    it: beside this one during a deploy, or after going back to it, such a token opens nothing there rather than
    everything."""
    return hash_secret(f"token with scopes: {secret}")
