"""The embedded Tryton for tests: one server per session (under xdist: per worker), books in a temporary folder.

The seeded template is shared by all workers through the checkout's own cache.

`Books` reads the ERP without our adapter, so that a test need not trust the code it tests.
"""

import base64
import json
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sandbox.embedded.tryton.firm import DEVELOPMENT_ADMIN_LOGIN, DEVELOPMENT_ADMIN_PASSWORD
from sandbox.embedded.tryton.server import TrytonAddress, TrytonServer
from tests.harness.waiting import HANG_SECONDS

TEMPLATE_CACHE = Path(__file__).resolve().parents[2] / ".oppsync" / "cache" / "tryton"


@contextmanager
def running_tryton(data: Path) -> Iterator[TrytonAddress]:
    """A server on the books in `data`, seeded if there are none; it is stopped at the end, and its books
    stay."""
    server = TrytonServer(data, TEMPLATE_CACHE)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrytonAddress]:
    with running_tryton(tmp_path_factory.mktemp("tryton")) as address:
        yield address


# For plain HTTP: else each client first reads all root certificates of the machine.
NO_ROOTS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
LAST_DAY = {"__class__": "date", "year": 2026, "month": 12, "day": 31}


class Books:
    """Reads and writes Tryton records as they are on the wire; a refusal fails the test in Tryton's words.

    `company` is the numeric id whose books are open (the demo firm: 1 ACME-DE, 2 ACME-US).
    """

    def __init__(self, address: TrytonAddress, company: int = 1) -> None:
        self.address, self.company = address, company
        context = _encoded({"company": company, "language": "en", "_skip_warnings": True})
        self._http = httpx2.Client(
            base_url=f"{address.url}/{address.database}/rest/model/",
            headers={"Authorization": f"Bearer {address.rest_key}", "X-Tryton-Context": context},
            timeout=HANG_SECONDS,
            verify=NO_ROOTS,
        )

    def __enter__(self) -> "Books":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def find(self, model: str, domain: Sequence[object], *fields: str) -> list[dict[str, Any]]:
        """The records that match a Tryton domain; dotted fields come back nested."""
        answer = self._http.get(
            model, params=[("d", _encoded(list(domain))), *(("f", name) for name in fields)]
        )
        return list(_accepted(answer).json())

    def one(self, model: str, domain: Sequence[object], *fields: str) -> dict[str, Any]:
        (record,) = self.find(model, domain, *fields)
        return record

    def create(self, model: str, values: dict[str, Any], *fields: str) -> dict[str, Any]:
        answer = self._http.post(model, json=values, params=[("f", name) for name in fields])
        return dict(_accepted(answer).json())

    def write(self, model: str, record: int, values: dict[str, Any]) -> None:
        _accepted(self._http.put(f"{model}/{record}", json=values))

    def press(self, model: str, record: int, button: str) -> None:
        _accepted(self._http.post(f"{model}/{record}/{button}", json={}))

    def post(self, invoice: int) -> None:
        """Post a draft of 2026, dated on its last day: numbers follow the dates, also those of other tests."""
        self.write("account.invoice", invoice, {"invoice_date": LAST_DAY})
        self.press("account.invoice", invoice, "post")


def set_up(address: TrytonAddress, model: str, values: dict[str, Any]) -> None:
    """Create what only an administrator of Tryton may, as its own client does."""
    with httpx2.Client(base_url=address.url, timeout=HANG_SECONDS, verify=NO_ROOTS) as client:

        def call(method: str, *params: object, **headers: str) -> Any:
            body = {"id": 1, "method": method, "params": params}
            answer = _accepted(client.post(f"/{address.database}/rpc/", json=body, headers=headers)).json()
            assert "error" not in answer, answer
            return answer["result"]

        known_by = {"password": DEVELOPMENT_ADMIN_PASSWORD}
        user, token, *_ = call("common.db.login", DEVELOPMENT_ADMIN_LOGIN, known_by)
        session = base64.b64encode(f"{DEVELOPMENT_ADMIN_LOGIN}:{user}:{token}".encode()).decode()
        call(f"model.{model}.create", [values], {}, Authorization=f"Session {session}")


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def _accepted(answer: httpx2.Response) -> httpx2.Response:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer
