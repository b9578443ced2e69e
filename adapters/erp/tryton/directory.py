"""Look up in Tryton what orders name by code, before it is used.

Needed because on SQLite Tryton accepts an id that does not exist.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from adapters.erp.tryton.client import TrytonClient
from adapters.erp.tryton.wire import Wire
from oppsync.kernel.errors import Misconfigured, VendorRejected

REMEMBER_SECONDS = 30.0
Answer = TypeVar("Answer")
Key = tuple[object, ...]


class Company(NamedTuple):
    id: int
    currency: str


class Customer(NamedTuple):
    id: int
    invoice_address: int | None
    receivable_account: int | None


class Status(NamedTuple):
    """A work status. `progress` is the least progress that work of this status must have, between 0 and 1."""

    id: int
    progress: Decimal | None


class Accounts(NamedTuple):
    receivable: int
    revenue: int


class Remembered:
    """A short-lived cache of what was found; what was not found is asked for again."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[float, Any]] = {}

    def get(self, key: Key, ask: Callable[[], Answer], *, is_found: Callable[[Answer], bool] = bool) -> Answer:
        """The answer of `ask`, kept for `REMEMBER_SECONDS` if what was asked for `is_found`."""
        if self._has(key):
            remembered: Answer = self._known[key][1]
            return remembered
        answer = ask()
        if is_found(answer):
            self._keep(key, answer)
        return answer

    def which(self, keys: Collection[Key], ask: Callable[[Collection[Key]], Collection[Key]]) -> set[Key]:
        """Those of the keys that exist: as remembered, or by one question about all the others."""
        known = {key for key in keys if self._has(key)}
        others = [key for key in keys if key not in known]
        found = set(ask(others)) if others else set()
        for key in found:
            self._keep(key, True)
        return known | found

    def _has(self, key: Key) -> bool:
        known = self._known.get(key)
        return known is not None and time.monotonic() < known[0]

    def _keep(self, key: Key, answer: object) -> None:
        self._known[key] = (time.monotonic() + REMEMBER_SECONDS, answer)


class Directory:
    """Caches the ids it found for the life of the process, and what else it read of a customer, an account or a
    cost centre for a while.

    Every look-up raises VendorRejected, with what is missing in words, when it finds nothing.
    """

    def __init__(self, client: TrytonClient) -> None:
        self._client = client
        self._ids: dict[tuple[str, str, str, int | None], int] = {}
        self._companies: dict[str, Company] = {}
        self._remembered = Remembered()

    def forget(self) -> None:
        """Ask again for what may change; the ids of a code stay."""
        self._remembered = Remembered()

    def company(self, code: str) -> Company:
        """A company by the code of its party."""
        if code not in self._companies:
            found = self._client.search("company.company", [["party.code", "=", code]], ["currency.code"])
            if not found:
                raise VendorRejected(f"Tryton has no company {code}", code="LEGAL_ENTITY_NOT_READY")
            self._companies[code] = Company(found[0]["id"], found[0]["currency"]["code"])
        return self._companies[code]

    def customer(self, code: str, company: int) -> Customer:
        """A customer, with its address for invoices or else its first address."""
        return self._remembered.get(
            ("customer", code, company),
            lambda: self._customer(code, company),
            is_found=lambda customer: customer.invoice_address is not None,
        )

    def _customer(self, code: str, company: int) -> Customer:
        fields = ["addresses.invoice", "account_receivable"]
        found = self._client.search("party.party", [["code", "=", code]], fields, company)
        if not found:
            raise VendorRejected(f"Tryton has no customer {code}", code="ACCOUNT_UNKNOWN")
        addresses = sorted(found[0]["addresses"], key=lambda address: not address["invoice"])
        address = addresses[0]["id"] if addresses else None
        return Customer(found[0]["id"], address, found[0]["account_receivable"])

    def accounts(self, company: int) -> Accounts:
        return self._remembered.get(("accounts", company), lambda: self._accounts(company))

    def _accounts(self, company: int) -> Accounts:
        names = ["default_account_receivable", "default_category_account_revenue"]
        (defaults,) = self._client.search("account.configuration", [], names, company)
        for name in names:
            if defaults[name] is None:
                words = f"Tryton's company has no {name.replace('_', ' ')}"
                raise VendorRejected(words, code="LEGAL_ENTITY_NOT_READY")
        return Accounts(*(defaults[name] for name in names))

    def status(self, name: str, setting: str = "closed_status") -> Status:
        """A work status by its name, as `setting` says it. Raises Misconfigured when there is none."""
        found = self._client.search("project.work.status", [["name", "=", name]], ["progress"])
        if not found:
            raise Misconfigured(f"Tryton has no work status {name}: correct the connection's {setting}")
        return Status(found[0]["id"], found[0]["progress"])

    def cost_centre(self, code: str, company: int) -> Wire:
        """An analytic account, as an entry of an invoice line."""
        return self._remembered.get(("centre", code, company), lambda: self._cost_centre(code, company))

    def _cost_centre(self, code: str, company: int) -> Wire:
        account = self.id("analytic_account.account", "code", code, company)
        (found,) = self._client.search("analytic_account.account", [["id", "=", account]], ["root"], company)
        return {"root": found["root"], "account": account}

    def id(self, model: str, field: str, value: str, company: int | None = None) -> int:
        """The first record with this value; with `company`, of this company only."""
        wanted = (model, field, value, company)
        if wanted not in self._ids:
            domain = [[field, "=", value], *([["company", "=", company]] if company else [])]
            found = self._client.search(model, domain, ["id"], company)
            if not found:
                raise VendorRejected(f"Tryton has no {model} with {field} {value}")
            self._ids[wanted] = found[0]["id"]
        return self._ids[wanted]
