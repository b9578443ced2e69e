"""Seals of decisions: HMAC-SHA256 under keys derived from the installation's secrets."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from oppsync.domain.approval.seals import Seal, SealCheck
from oppsync.kernel import canonical_json

# Of its own: no key of connection secrets or of sessions seals a decision.
_INFO = b"oppsync approvals"
_KEY_ID_LENGTH = 16


class HmacSeals:
    """`secrets`: the first seals, all check."""

    def __init__(self, secrets: Sequence[str]) -> None:
        keys = [_derived(secret) for secret in secrets]
        self._keys = {_key_id(key): key for key in keys}
        self._newest = _key_id(keys[0])

    def seal(self, signed: Mapping[str, Any]) -> Seal:
        mac = _mac(self._keys[self._newest], signed)
        return Seal(key_id=self._newest, mac=mac, signed=dict(signed))

    def check(self, seal: Seal) -> SealCheck:
        key = self._keys.get(seal.key_id)
        if key is None:
            return SealCheck.UNKNOWN_KEY
        is_same = hmac.compare_digest(_mac(key, seal.signed).encode(), seal.mac.encode())
        return SealCheck.GENUINE if is_same else SealCheck.FORGED


def _derived(secret: str) -> bytes:
    return HKDF(hashes.SHA256(), length=32, salt=None, info=_INFO).derive(secret.encode())


def _key_id(key: bytes) -> str:
    """Names the key without revealing it."""
    return hashlib.sha256(key).hexdigest()[:_KEY_ID_LENGTH]


def _mac(key: bytes, signed: Mapping[str, Any]) -> str:
    return hmac.new(key, canonical_json.canonical(dict(signed)), hashlib.sha256).hexdigest()
