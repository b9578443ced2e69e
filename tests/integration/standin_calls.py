"""Plain HTTP calls to a stand-in, as any client of the vendor would make them."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit

from tests.harness.waiting import HANG_SECONDS

SALESFORCE_DATA = "/services/data/v62.0"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text, parse_float=Decimal)


def call(
    url: str,
    method: str,
    path: str,
    body: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: float = HANG_SECONDS,
) -> Answer:
    """Raises OSError (or http.client's own errors) when the connection breaks or nothing comes in time."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=timeout)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        text = response.read().decode()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, text)
    finally:
        connection.close()


def salesforce_token(url: str, secret: str = "salesforce-demo-secret") -> Answer:
    basic = base64.b64encode(f"oppsync-demo:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    return call(url, "POST", "/services/oauth2/token", "grant_type=client_credentials", headers=headers)


class SalesforceClient:
    """A signed-in caller of one Salesforce stand-in."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = salesforce_token(url).json["access_token"]

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = HANG_SECONDS,
    ) -> Answer:
        text = None if body is None else json.dumps(body)
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **(headers or {})}
        full = path if path.startswith("/services") else f"{SALESFORCE_DATA}/{path}"
        return call(self.url, method, full, text, headers=sent, timeout=timeout)

    def query(self, soql: str) -> Answer:
        return self.call("GET", f"query?q={quote(soql)}")
