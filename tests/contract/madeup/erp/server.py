"""A made-up ERP: documents under keys, over an HTTP API of its own, in the books of the demo firm.

Each call carries `Authorization: Bearer`.

    GET  /customers, /companies, /terms, /taxes    what is there, each with its code
    GET  /documents?key=KEY                        the documents under exactly this key
    POST /documents                                {"key": KEY, "fields": {NAME: TEXT}}
"""

from __future__ import annotations

from typing import Any

from sandbox.embedded.tryton import firm
from sandbox.standins.faults import Fault
from sandbox.standins.wire import Call, Json, Reply, from_json

OPEN_UNTIL = f"{max(firm.FISCAL_YEARS)}-12-31"
LISTS: dict[str, list[dict[str, Any]]] = {
    "/customers": [
        {"code": each.code, "name": each.name, "country": each.country, "tax_id": each.tax_id}
        for each in firm.CUSTOMERS
    ],
    "/companies": [{"code": each.code, "open_until": OPEN_UNTIL} for each in firm.COMPANIES],
    "/terms": [{"code": each.name} for each in firm.PAYMENT_TERMS],
    "/centres": [
        {"code": f"{each.code}/{centre.code}"} for each in firm.COMPANIES for centre in each.cost_centres
    ],
    "/taxes": [{"code": tax.name} for each in firm.COMPANIES for tax in each.taxes],
}


class MadeUpErp:
    """Implements `sandbox.standins.surface.Vendor`."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._documents: list[dict[str, Json]] = []

    def answer(self, call: Call) -> Reply:
        if call.headers.get("authorization") != f"Bearer {self._token}":
            return Reply(401, {})
        if call.path in LISTS:
            return Reply(200, LISTS[call.path])
        if call.method == "POST":
            document = {**from_json(call.body), "id": str(len(self._documents) + 1)}
            self._documents.append(document)
            return Reply(200, document)
        return Reply(200, [each for each in self._documents if each["key"] == call.args.get("key")])

    def refuse(self, fault: Fault) -> Reply:
        return fault.refusal({})

    def keeps_body_secret(self, call: Call) -> bool:
        return False
