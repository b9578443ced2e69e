"""Read Tryton's records over its own REST API, raw and without our adapter."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import httpx2

from oppsync.kernel import canonical_json
from sandbox.embedded.tryton import firm

TIMEOUT_SECONDS = 30
Record = Mapping[str, Any]
WORK = (
    "number", "name", "type", "comment", "company.party.code", "party.code", "parent.comment",
    "project_invoice_method", "product.code", "list_price", "effort_duration", "timesheet_available",
)  # fmt: skip
INVOICE = (
    "type", "reference", "state", "description", "comment", "invoice_date", "company.party.code", "party.code",
    "currency.code", "payment_term.name", "untaxed_amount", "lines.quantity", "lines.product.code",
    "lines.taxes.name", "lines.analytic_accounts.account.code",
)  # fmt: skip


class ErpBooks:
    """The records under our keys in the Tryton at `url`, opened by `rest_key`. Raises httpx2.HTTPError."""

    def __init__(self, url: str, rest_key: str) -> None:
        context = _encoded({"company": 1, "language": "en"})
        self._http = httpx2.Client(
            base_url=f"{url}/{firm.DATABASE}/rest/model/",
            headers={"Authorization": f"Bearer {rest_key}", "X-Tryton-Context": context},
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )

    def __enter__(self) -> ErpBooks:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def works(self, key_prefix: str) -> list[Record]:
        """Projects and tasks whose comment begins with this."""
        return self._find("project.work", [["comment", "like", f"{key_prefix}%"]], WORK)

    def invoices(self, key_prefix: str) -> list[Record]:
        """Invoices whose reference begins with this."""
        return self._find("account.invoice", [["reference", "like", f"{key_prefix}%"]], INVOICE)

    def currency(self, company: str) -> str:
        """The currency in which a company keeps its books."""
        (found,) = self._find("company.company", [["party.code", "=", company]], ["currency.code"])
        return str(found["currency"]["code"])

    def _find(self, model: str, domain: Sequence[object], fields: Sequence[str]) -> list[Record]:
        answer = self._http.get(model, params=[("d", _encoded(domain)), *(("f", name) for name in fields)])
        answer.raise_for_status()
        return list(canonical_json.loads(answer.content))


def decimal(value: Any) -> Decimal:
    """Tryton's JSON for an exact number; zero when it is empty."""
    return Decimal(value["decimal"]) if value else Decimal(0)


def hours(value: Any) -> Decimal:
    """Tryton's JSON for a duration, rounded to a ten thousandth of an hour."""
    seconds = Decimal(str(value["seconds"])) if value else Decimal(0)
    return (seconds / 3600).quantize(Decimal("0.0001"))


def day(value: Any) -> str:
    return f"{value['year']:04}-{value['month']:02}-{value['day']:02}" if value else ""


def code(value: Any, name: str = "code") -> str:
    """The code of a record that was read along; empty when there is none."""
    return str(value[name] or "") if value else ""


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(canonical_json.dumps(value).encode()).decode()
