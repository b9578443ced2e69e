"""Codes by time (RFC 6238), in the form that all programs for them know: SHA-1, six digits, thirty seconds."""

from __future__ import annotations

import base64
import secrets

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from oppsync.services.admin.second_factor import STEP

_ISSUER = "oppsync"
_KEY_BYTES = 20


class TotpCodes:
    def new_key(self) -> str:
        return base64.b32encode(secrets.token_bytes(_KEY_BYTES)).decode()

    def at(self, key: str, step: int) -> str:
        return _totp(key).generate(step * STEP).decode()

    def uri(self, key: str, account: str) -> str:
        return _totp(key).get_provisioning_uri(account, _ISSUER)


def _totp(key: str) -> TOTP:
    return TOTP(base64.b32decode(key), 6, SHA1(), STEP)  # noqa: S303
