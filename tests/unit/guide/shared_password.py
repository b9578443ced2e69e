"""A made-up signature scheme, written by the guide: the sender repeats a secret."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime

from adapters.connectors.signatures.raw_request import RawRequest
from oppsync.kernel.errors import SignatureRefused


def verify(request: RawRequest, secrets: Sequence[str], now: datetime) -> str:
    said = request.headers.get("x-password", "").encode()
    if not any(hmac.compare_digest(said, secret.encode()) for secret in secrets):
        raise SignatureRefused("x-password is none of the known secrets")
    return request.headers.get("x-delivery", "")
