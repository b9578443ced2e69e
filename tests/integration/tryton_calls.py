"""A connector to Tryton, and a server that answers like Tryton, except where a test wants another answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from adapters.erp.tryton.connector import CONNECTOR
from oppsync.ports.clock import Clock
from oppsync.ports.erp import Erp
from sandbox.contracts.harness import FixedClock
from tests.harness.waiting import HANG_SECONDS

CLOCK = FixedClock()

TODAY = {"__class__": "date", "year": 2026, "month": 6, "day": 15}
JANUARY = TODAY | {"month": 1, "day": 1}
DECEMBER = TODAY | {"month": 12, "day": 31}
Canned = tuple[int, str]  # status and body


def connect(url: str, key: str = "k", clock: Clock = CLOCK, **settings: object) -> Erp:
    return CONNECTOR.connect({"base_url": url, "database": "erp", **settings}, {"rest_key": key}, clock)


WORK = {
    "id": 7,
    "number": "7",
    "name": "x",
    "type": "project",
    "comment": None,
    "company": {"id": 1, "party": {"id": 1, "code": "ACME-DE"}},
    "party": None,
    "parent": None,
    "status": {"id": 1, "name": "Open"},
    "project_invoice_method": "manual",
    "product": None,
    "list_price": None,
    "effort_duration": None,
}
READY: dict[str, list[dict[str, Any]]] = {
    "account.configuration": [
        {
            "id": 1,
            "default_account_receivable": {"id": 1, "closed": False},
            "default_category_account_revenue": {"id": 2, "closed": False},
        }
    ],
    "account.tax": [{"id": 1, "name": "VAT-DE-19"}],
    "account.fiscalyear": [
        {"id": 1, "name": "2026", "state": "open", "start_date": JANUARY, "end_date": DECEMBER}
    ],
    "account.journal": [{"id": 1, "type": "revenue"}],
    "product.product": [{"id": number, "code": code} for number, code in enumerate(("CONS-HR", "FIXED", "MS"))],
}
USUAL: dict[str, Any] = READY | {
    "company.company": [{"id": 1, "party": {"id": 1, "code": "ACME-DE"}, "currency": {"id": 1, "code": "EUR"}}],
    "party.party": [{"id": 3, "code": "CUST-1001", "addresses": [{"id": 3, "invoice": 1}]}],
    "POST": WORK,
}


@contextmanager
def answering(answers: dict[str, Canned | list[Canned] | None]) -> Iterator[str]:
    """A server that answers like Tryton, except where overridden: by model, `POST` for any create
    and `PUT` for any write.

    A list is used up, one answer a request; None leaves requests without an answer until the test is over.
    """
    over = threading.Event()

    @Request.application
    def app(request: Request) -> Response:
        model = request.method if request.method != "GET" else request.path.rsplit("/", 1)[-1]
        if model not in answers:
            return Response(json.dumps(USUAL[model]), content_type="application/json")
        told = answers[model]
        answer = told.pop(0) if isinstance(told, list) else told
        if answer is None:
            over.wait(HANG_SECONDS)
            return Response(status=500)
        status, body = answer
        return Response(body, status=status)

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()
