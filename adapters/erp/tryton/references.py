"""Whether Tryton has what a plan names, before anybody approves it: many codes of one model in one search."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TypeVar

from adapters.erp.tryton import wire
from adapters.erp.tryton.client import TrytonClient
from adapters.erp.tryton.directory import Company, Directory, Key, Remembered
from adapters.erp.tryton.landing import makes_invoices
from adapters.erp.tryton.readiness import open_years
from adapters.erp.tryton.values import UNIT
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.plan.references import ErpReferenceKind, ErpReferences, MissingReference
from oppsync.kernel.errors import VendorRejected

# A search is a URL, and a proxy may refuse one of more than 8 KB.
CODES_AT_ONCE = 20
Domain = Sequence[object]
Item = TypeVar("Item")
# Of accounts that group others nothing can be booked on.
BOOKABLE: Domain = ["type", "in", ["normal", "distribution"]]


class References:
    """`products`: the code of the product by which each kind of line is invoiced."""

    def __init__(self, client: TrytonClient, directory: Directory, products: Mapping[LineKind, str]) -> None:
        self._client = client
        self._directory = directory
        self._products = products
        self._remembered = Remembered()

    def forget(self) -> None:
        self._remembered = Remembered()

    def missing(self, wanted: ErpReferences) -> Iterator[MissingReference]:
        company = self._company(wanted.company)
        if company is None:
            yield _missing(ErpReferenceKind.COMPANY, wanted.company, wanted.company)
            return
        yield from self._cost_centres(wanted)
        for name in self.unknown("account.tax", "name", [wanted.tax], company.id):
            yield _missing(ErpReferenceKind.TAX, wanted.company, name)
        for name in self.unknown("account.invoice.payment_term", "name", [wanted.payment_terms]):
            yield _missing(ErpReferenceKind.PAYMENT_TERMS, wanted.company, name)
        if wanted.customer is not None:
            yield from self._customer(wanted, wanted.customer, company)
        for words in self._setup(wanted):
            yield _missing(ErpReferenceKind.SETUP, wanted.company, words)
        for day in self._not_open(wanted.company, wanted.invoice_days):
            yield _missing(ErpReferenceKind.FISCAL_YEAR, wanted.company, day.isoformat())

    def unknown(
        self,
        model: str,
        field: str,
        values: Iterable[str],
        company: int | None = None,
        but: Sequence[Domain] = (),
    ) -> Sequence[str]:
        """Those of the values that no record of this model has, of this company where one is given."""

        def ask(some: Collection[Key]) -> set[Key]:
            texts = [key[-1] for key in some]
            ours: list[Domain] = [["company", "=", company]] if company else []
            domain = [[field, "in", texts], *ours, *but]
            return {
                (model, company, found[field]) for found in self._client.search(model, domain, [field], company)
            }

        keys = {(model, company, value): value for value in values}
        known: set[Key] = set()
        for some in _parts(list(keys)):
            known |= self._remembered.which(some, ask)
        return [value for key, value in keys.items() if key not in known]

    def _company(self, code: str) -> Company | None:
        try:
            return self._directory.company(code)
        except VendorRejected:
            return None

    def _customer(self, wanted: ErpReferences, code: str, company: Company) -> Iterator[MissingReference]:
        try:
            customer = self._directory.customer(code, company.id)
        except VendorRejected:
            yield _missing(ErpReferenceKind.CUSTOMER, wanted.company, code)
            return
        if customer.invoice_address is None and makes_invoices(
            wanted.line_kinds, wanted.currency, company.currency
        ):
            yield _missing(ErpReferenceKind.CUSTOMER_ADDRESS, wanted.company, code)

    def _cost_centres(self, wanted: ErpReferences) -> Iterator[MissingReference]:
        for code in dict.fromkeys(centre.company for centre in wanted.cost_centres):
            company = self._company(code)
            if company is None:
                yield _missing(ErpReferenceKind.COMPANY, code, code)
                continue
            centres = [centre.code for centre in wanted.cost_centres if centre.company == code]
            for name in self.unknown("analytic_account.account", "code", centres, company.id, [BOOKABLE]):
                yield _missing(ErpReferenceKind.COST_CENTRE, code, name)

    def _setup(self, wanted: ErpReferences) -> Iterator[str]:
        products = sorted({self._products[kind] for kind in wanted.line_kinds})
        countries = [wanted.country] if wanted.country else []
        for what, model, field, values in (
            ("the product", "product.product", "code", products),
            ("the unit of measure", "product.uom", "name", [UNIT]),
            ("the currency", "currency.currency", "code", [wanted.currency]),
            ("the country", "country.country", "code", countries),
        ):
            for value in self.unknown(model, field, values):
                yield f"{what} {value}"

    def open_until(self, company: str) -> date | None:
        """The last day of the company's open fiscal years; None when it has none."""
        return max((year.end_date for year in self._open_years(company)), default=None)

    def _open_years(self, company: str) -> list[wire.FiscalYear]:
        return self._remembered.get(("years", company), lambda: open_years(self._client, company))

    def _not_open(self, company: str, days: Sequence[date]) -> Sequence[date]:
        """The days that lie in no open fiscal year. A year that was opened just now counts."""
        if days and _outside(days, self._open_years(company)):
            return _outside(days, open_years(self._client, company))
        return ()


def _outside(days: Sequence[date], years: Sequence[wire.FiscalYear]) -> Sequence[date]:
    return [day for day in days if not any(year.start_date <= day <= year.end_date for year in years)]


def _missing(kind: ErpReferenceKind, company: str, name: str) -> MissingReference:
    return MissingReference(kind=kind, company=company, name=name)


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[first : first + CODES_AT_ONCE] for first in range(0, len(items), CODES_AT_ONCE))
