"""`python -m benchmarks.vendors PORT [--delay MS]`: Salesforce, Tryton and Kantata in one process.

Their books are in memory. They speak the wire format of the stand-ins in `sandbox/standins`. Answers that never
change here (reference data, the one deal that all deals copy) are taken from those once; all else is
dictionaries. They are lean so that they do not dominate the measurement: docs/performance.md has the cost of
their answers. With a delay, every call is answered that long after it came; calls that come at once wait side
by side.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import Counter, deque
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from adapters.crm.salesforce.ids import full_id
from benchmarks import lean_http
from benchmarks.exchanges import Exchange
from benchmarks.lean_tryton import DATABASE, Tryton
from sandbox.firm import deals
from sandbox.standins.books import Books
from sandbox.standins.salesforce import notifier, oauth, org
from sandbox.standins.salesforce.control_routes import add_routes
from sandbox.standins.salesforce.objects import tables as salesforce_tables
from sandbox.standins.salesforce.rest import SalesforceApi
from sandbox.standins.surface import CONTROL, build_app
from sandbox.standins.wire import Call, to_json

WON_ON = date(2026, 3, 2)
CLIENT = ("oppsync-demo", "salesforce-demo-secret")
KANTATA_TOKEN = "kantata-demo-token"  # noqa: S105
SALESFORCE, TRYTON, KANTATA = "Salesforce", "Tryton", "Kantata"
BENCH_ROOT = "/_bench/"
STATISTICS, EXCHANGES = f"{BENCH_ROOT}calls", f"{BENCH_ROOT}exchanges"
LOGGED = 200_000  # of the latest calls
_RECORD = re.compile(r"006[A-Za-z0-9]{15}")
Headers = Mapping[str, str]
Document = dict[str, Any]
SALE, ORDER, FEE = "Core banking", "PO-CORE-BANKING", 55_000
AMOUNTS = 10_000


def record_id(number: int) -> str:
    """The CRM's id of the benchmark's deal with this number."""
    return full_id(f"006B{number:011d}")


def fee(number: int) -> int:
    """What its customer pays. Deals of one amount are compared with each other, and few of a firm's are."""
    return FEE + number % AMOUNTS


def bench_deal() -> Document:
    """Three workstreams under one parent, one of them billed, by one invoice."""
    fee = deals.fee_line(WON_ON, Decimal(FEE), "Process design")
    free = fee | {"UnitPrice": Decimal(0), "TotalPrice": Decimal(0), "Billing_Model__c": "Non-Billable"}
    lines = [
        fee,
        free | {"Description": "Hypercare", "Planned_Hours__c": Decimal(16)},
        free | {"Description": "Handover", "Planned_Hours__c": Decimal(8)},
    ]
    deal = deals.deal(WON_ON, "CUST-1004", "ACME-DE", name=SALE, billing_model="Fixed Fee", lines=lines)
    return {
        **deal,
        "opportunity": {**deal["opportunity"], "Billing_Frequency__c": "Once", "PO_Number__c": ORDER},
    }


class Salesforce:
    """Every record id is a won copy of the bench deal. The fields of the write-back are kept for each."""

    def __init__(self, folder: Path) -> None:
        books = Books(
            folder / "crm.sqlite", [*salesforce_tables(), *org.SCHEMA, *notifier.SCHEMA, *oauth.SCHEMA]
        )
        notifications = notifier.Notifier(books, org.ORGANIZATION)
        the_org = org.Org(books, notifications, multi_currency=True)
        sign_in = oauth.OAuth(books, org.ORGANIZATION, *CLIENT, 7_200)
        self._api = SalesforceApi(the_org, sign_in, 2_000, 10**9)
        app = build_app(self._api)
        add_routes(app, the_org, notifications, sign_in)
        won = app.test_client().post(f"{CONTROL}/deals", data=to_json(bench_deal()))
        self._template = str(won.get_json()["id"])
        self._won = b""
        self._fields: dict[str, Document] = {}

    def answer(self, method: str, path: str, headers: Headers, body: bytes) -> tuple[int, bytes]:
        if path == oauth.PATH:
            reply = self._api.answer(Call(method, path, "", headers, body))
            document = dict(reply.body)
            document["instance_url"] = f"http://{headers['host']}"
            return reply.status, to_json(document).encode()
        if path.endswith("/composite"):
            return 200, self._composite(path, headers, body)
        where, _, query = path.partition("?")
        record = where.rpartition("/")[2]
        if method == "PATCH":
            self._fields.setdefault(record, {}).update(json.loads(body))
            return 204, b""
        asked = parse_qs(query)["fields"][0].split(",")
        known = self._fields.get(record, {})
        return 200, json.dumps({"Id": record} | {name: known.get(name) for name in asked}).encode()

    def _composite(self, path: str, headers: Headers, body: bytes) -> bytes:
        found = _RECORD.search(body.decode())
        if found is None:  # a poll: there are no changes without a webhook
            return _empty(json.loads(body)["compositeRequest"])
        if not self._won:
            asked = body.replace(found[0].encode(), self._template.encode())
            self._won = self._api.answer(Call("POST", path, "", headers, asked)).content.encode()
        return _own_sale(self._won.replace(self._template.encode(), found[0].encode()), found[0])


def _own_sale(answer: bytes, record: str) -> bytes:
    """With a name, a purchase order and a fee of its own: else people would be asked, since it looks like a
    clone."""
    number = int(record[4:15])
    own = {SALE: f"{SALE} {number}", ORDER: f"{ORDER}-{number}", str(FEE): str(fee(number))}
    for of_all, of_one in own.items():
        answer = answer.replace(of_all.encode(), of_one.encode())
    return answer


def _empty(parts: list[Document]) -> bytes:
    page = {"totalSize": 0, "done": True, "records": []}
    answers = [
        {"body": page, "httpHeaders": {}, "httpStatusCode": 200, "referenceId": part["referenceId"]}
        for part in parts
    ]
    return json.dumps({"compositeResponse": answers}).encode()


class Kantata:
    def __init__(self) -> None:
        self._workspaces: list[Document] = []
        self._ids: dict[str, str] = {}

    def answer(self, method: str, path: str, headers: Headers, body: bytes) -> tuple[int, bytes]:
        where, _, query = path.partition("?")
        which = where.rpartition("/")[2].removesuffix(".json")
        if which == "workspaces" and method == "GET":
            found = self._ids.get(parse_qs(query)["external_reference"][0])
            return 200, _workspaces([self._workspaces[int(found) - 1]] if found else [])
        if which == "workspaces":
            made = {**json.loads(body)["workspace"], "id": str(len(self._workspaces) + 1), "archived": False}
            self._workspaces.append(made)
            self._ids[made["external_reference"]] = made["id"]
            return 200, _workspaces([made])
        workspace = self._workspaces[int(which) - 1]
        if method == "PUT":
            workspace.update(json.loads(body)["workspace"])
        return 200, _workspaces([workspace])


def _workspaces(found: list[Document]) -> bytes:
    document = {
        "count": len(found),
        "results": [{"key": "workspaces", "id": each["id"]} for each in found],
        "workspaces": {each["id"]: each for each in found},
    }
    return json.dumps(document).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description="Lean vendors for the benchmarks.")
    parser.add_argument("port", type=int)
    parser.add_argument("--delay", type=float, default=0.0, help="milliseconds until a call is answered")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _serve(Path(folder), options.port, options.delay / 1000)


def _serve(folder: Path, port: int, delay: float) -> None:
    counts, log = Counter[str](), deque[Exchange](maxlen=LOGGED)
    salesforce, tryton, kantata = Salesforce(folder), Tryton(folder), Kantata()

    def answer(method: str, path: str, headers: Headers, body: bytes) -> tuple[int, bytes]:
        if path == STATISTICS:
            return 200, json.dumps(counts).encode()
        if path == EXCHANGES:
            return 200, json.dumps(list(log)).encode()
        vendor = _vendor(path)
        counts[f"{vendor} {method}"] += 1
        if vendor == SALESFORCE:
            return salesforce.answer(method, path, headers, body)
        if vendor == TRYTON:
            return tryton.answer(method, path, headers, body)
        return kantata.answer(method, path, headers, body)

    def answered(method: str, path: str, began: float, ended: float) -> None:
        if not path.startswith(BENCH_ROOT):
            log.append(Exchange(_vendor(path), method, path.partition("?")[0], began, ended))

    lean_http.serve(answer, port, delay, answered)


def _vendor(path: str) -> str:
    return {"services": SALESFORCE, DATABASE: TRYTON}.get(path.split("/", 2)[1], KANTATA)


if __name__ == "__main__":
    main()
