"""The made-up vendor itself: documents under keys, over HTTP, in the books of the demo firm."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from sandbox.embedded.tryton import firm

OPEN_UNTIL = f"{max(firm.FISCAL_YEARS)}-12-31"
TOKEN = "madeup-token-71ac"
LISTS: dict[str, list[dict[str, Any]]] = {
    "/customers": [
        {"code": each.code, "name": each.name, "country": each.country, "tax_id": each.tax_id}
        for each in firm.CUSTOMERS
    ],
    "/companies": [{"code": each.code, "open_until": OPEN_UNTIL} for each in firm.COMPANIES],
    "/terms": [{"code": each.name} for each in firm.PAYMENT_TERMS],
    "/taxes": [{"code": tax.name} for each in firm.COMPANIES for tax in each.taxes],
}


class Vendor:
    def __init__(self) -> None:
        self._documents: list[dict[str, Any]] = []

    def answer(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Response(status=401)
        if request.path in LISTS:
            return _json(LISTS[request.path])
        if request.method == "POST":
            document = {**json.loads(request.get_data()), "id": str(len(self._documents) + 1)}
            self._documents.append(document)
            return _json(document)
        keys = parse_qs(urlsplit(request.url).query).get("key", [])
        return _json([each for each in self._documents if each["key"] in keys])


def _json(value: Any) -> Response:
    return Response(json.dumps(value), content_type="application/json")


@contextmanager
def running_vendor() -> Iterator[str]:
    vendor = Vendor()
    server = make_server("127.0.0.1", 0, Request.application(vendor.answer), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
