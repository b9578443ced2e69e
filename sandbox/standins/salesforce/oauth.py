"""The token endpoint: client credentials, and access tokens that end by age or because someone revoked them."""

import base64
import binascii
import hashlib
import secrets
from time import time
from urllib.parse import parse_qsl

from sandbox.standins.books import Books
from sandbox.standins.salesforce.errors import SalesforceError
from sandbox.standins.wire import Call, Reply

PATH = "/services/oauth2/token"
SCHEMA = ("CREATE TABLE IF NOT EXISTS tokens (digest TEXT PRIMARY KEY, ends REAL NOT NULL)",)


class OAuth:
    """Stores only digests of tokens."""

    def __init__(
        self, books: Books, organization: str, client_id: str, client_secret: str, lifetime: float
    ) -> None:
        self._books = books
        self._organization = organization
        self._client_id = client_id
        self._client_secret = client_secret
        self._lifetime = lifetime

    def token(self, call: Call) -> Reply:
        if call.method != "POST":
            return _refused("invalid_request", "must use HTTP POST")
        form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            return _refused("unsupported_grant_type", "grant type not supported")
        client_id, client_secret = _credentials(call, form)
        if not secrets.compare_digest(client_id.encode(), self._client_id.encode()):
            return _refused("invalid_client_id", "client identifier invalid")
        if not secrets.compare_digest(client_secret.encode(), self._client_secret.encode()):
            return _refused("invalid_client", "invalid client credentials")
        return Reply(200, self._granted(f"http://{call.headers.get('host', '127.0.0.1')}"))

    def check(self, call: Call) -> None:
        """Raises SalesforceError INVALID_SESSION_ID."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        row = self._books.row("SELECT ends FROM tokens WHERE digest = ?", (_digest(token),))
        if scheme not in ("Bearer", "OAuth") or row is None or row["ends"] <= time():
            raise SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")

    def revoke_all(self) -> None:
        self._books.rows("DELETE FROM tokens")

    def _granted(self, instance_url: str) -> dict[str, str]:
        token = f"{self._organization[:15]}!{secrets.token_urlsafe(48)}"
        self._books.rows("DELETE FROM tokens WHERE ends <= ?", (time(),))
        self._books.rows("INSERT INTO tokens VALUES (?, ?)", (_digest(token), time() + self._lifetime))
        return {
            "access_token": token,
            "instance_url": instance_url,
            "id": f"{instance_url}/id/{self._organization}",
            "token_type": "Bearer",
            "scope": "api",
            "issued_at": str(int(time() * 1000)),
        }


def _credentials(call: Call, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, client_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client_id, client_secret


def _refused(error: str, description: str) -> Reply:
    return Reply(400, {"error": error, "error_description": description})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
