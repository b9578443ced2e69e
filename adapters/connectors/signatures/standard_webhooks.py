"""Standard Webhooks, symmetric `v1` signatures: https://github.com/standard-webhooks/standard-webhooks

The library's own `verify` reads the machine's clock, accepts `nan` and fractions as times, and raises several
errors that are not its own. So we compute the signature with the library and compare it here.

Svix, from whom the specification came, sends the same headers under names of its own (`svix-id`), as do senders
that are built on it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets as random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

from adapters.connectors.signatures.raw_request import RawRequest
from oppsync.kernel.errors import SignatureRefused

TOLERANCE = timedelta(minutes=5)
SECRET_PREFIX = "whsec_"  # noqa: S105
SHORTEST_KEY = 24  # bytes; a shorter one could be guessed
NEW_KEY = 32
FAMILIES = ("webhook", "svix")  # the first words of the header names
DELIVERY_ID = re.compile(r"[\x21-\x7e]{1,200}")
TIMESTAMP = re.compile(r"[0-9]{1,11}")


def verify(request: RawRequest, secrets: Sequence[str], now: datetime) -> str:
    """Return the delivery id when a secret signed these bytes within five minutes of `now`, past or future.

    A secret is `whsec_` and at least 24 bytes in base64; any other never verifies. Raises SignatureRefused for
    every fault.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    family = _family(headers)
    delivery_id = _header(headers, f"{family}-id", DELIVERY_ID)
    sent_at = datetime.fromtimestamp(int(_header(headers, f"{family}-timestamp", TIMESTAMP)), UTC)
    if abs(now - sent_at) > TOLERANCE:
        raise SignatureRefused(f"{family}-timestamp is more than five minutes away: check the sender's clock")
    try:
        body = request.body.decode("utf-8")
    except UnicodeDecodeError:
        raise SignatureRefused("the body is not UTF-8") from None
    presented = headers.get(f"{family}-signature", "").encode("utf-8", "backslashreplace").split()
    expected = [Webhook(key).sign(delivery_id, sent_at, body).encode() for key in _keys(secrets)]
    if not any(hmac.compare_digest(ours, theirs) for ours in expected for theirs in presented):
        raise SignatureRefused(f"{family}-signature holds no signature of this body by a known secret")
    return delivery_id


def sign(delivery_id: str, body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(_key(secret)).sign(delivery_id, now, body.decode()),
    }


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(random.token_bytes(NEW_KEY)).decode()


def _family(headers: Mapping[str, str]) -> str:
    """The names in use: the specification's, unless a sender has none of those. Two families never mix, else
    one part could be chosen by whom another part does not bind."""
    for family in FAMILIES:
        if any(f"{family}-{part}" in headers for part in ("id", "timestamp", "signature")):
            return family
    return FAMILIES[0]


def _header(headers: Mapping[str, str], name: str, form: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if form.fullmatch(value) is None:
        raise SignatureRefused(f"{name} is missing or malformed")
    return value


def _keys(secrets: Sequence[str]) -> list[bytes]:
    return [key for secret in secrets if len(key := _key(secret)) >= SHORTEST_KEY]


def _key(secret: str) -> bytes:
    """The signing key; None when the secret is not base64."""
    text = secret.removeprefix(SECRET_PREFIX).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
