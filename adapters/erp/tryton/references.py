"""Whether Tryton has what a plan names, before anybody approves it: by one read, or one search a kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from adapters.erp.tryton.facts import Facts, Rows
from adapters.erp.tryton.landing import makes_invoices
from adapters.erp.tryton.named import PIECE, of_all, setting
from adapters.erp.tryton.readiness import open_years, outside
from adapters.erp.tryton.sources import COUNTRY, CURRENCY, UNIT
from oppsync.domain.master_data.rows import Company, Customer, MasterKey, MasterKind, MasterRow
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.plan.references import ErpReferenceKind, ErpReferences, MissingReference


class References:
    """`products`: the code of the product by which each kind of line is invoiced."""

    def __init__(self, facts: Facts, products: Mapping[LineKind, str]) -> None:
        self._facts = facts
        self._products = products

    def missing(
        self, wanted: ErpReferences, heard_within: timedelta | None = None
    ) -> Iterator[MissingReference]:
        """`heard_within`: Tryton is asked for what it did not say within this time."""
        keys = [*self._companies(wanted), *self._of_plan(wanted)]
        found = self._facts.find(keys, heard_within=heard_within, is_enough=lambda row: _is_enough(row, wanted))
        company = found.get(of_all(MasterKind.COMPANY, wanted.company))
        if not isinstance(company, Company):
            yield _missing(ErpReferenceKind.COMPANY, wanted.company, wanted.company)
            return
        yield from _cost_centres(wanted, found)
        for kind, key in (
            (ErpReferenceKind.TAX, MasterKey(MasterKind.TAX, wanted.company, wanted.tax)),
            (ErpReferenceKind.PAYMENT_TERMS, of_all(MasterKind.PAYMENT_TERMS, wanted.payment_terms)),
        ):
            if key not in found:
                yield _missing(kind, wanted.company, key.code)
        yield from _customer(wanted, found, company)
        for words, key in self._setup(wanted):
            if key not in found:
                yield _missing(ErpReferenceKind.SETUP, wanted.company, words)
        if wanted.invoice_days:
            years = open_years(self._facts, wanted.company, wanted.invoice_days)
            for day in outside(wanted.invoice_days, years):
                yield _missing(ErpReferenceKind.FISCAL_YEAR, wanted.company, day.isoformat())

    def open_until(self, company: str, wanted: date | None = None) -> date | None:
        """The last day of the company's open fiscal years; None when it has none. `wanted`: Tryton is asked
        before an earlier day is answered."""
        years = open_years(self._facts, company, [wanted] if wanted else [])
        return max((year.ends_on for year in years), default=None)

    def _companies(self, wanted: ErpReferences) -> Iterator[MasterKey]:
        for code in dict.fromkeys([wanted.company, *(centre.company for centre in wanted.cost_centres)]):
            yield of_all(MasterKind.COMPANY, code)

    def _of_plan(self, wanted: ErpReferences) -> Iterator[MasterKey]:
        for centre in wanted.cost_centres:
            yield MasterKey(MasterKind.COST_CENTRE, centre.company, centre.code)
        yield MasterKey(MasterKind.TAX, wanted.company, wanted.tax)
        yield of_all(MasterKind.PAYMENT_TERMS, wanted.payment_terms)
        if wanted.customer is not None:
            yield of_all(MasterKind.CUSTOMER, wanted.customer)
        for _words, key in self._setup(wanted):
            yield key

    def _setup(self, wanted: ErpReferences) -> Iterator[tuple[str, MasterKey]]:
        for product in sorted({self._products[kind] for kind in wanted.line_kinds}):
            yield f"the product {product}", of_all(MasterKind.PRODUCT, product)
        if wanted.line_kinds:  # of invoices alone
            yield f"the unit of measure {PIECE}", setting(UNIT, PIECE)
            yield f"the currency {wanted.currency}", setting(CURRENCY, wanted.currency)
        if wanted.country:
            yield f"the country {wanted.country}", setting(COUNTRY, wanted.country)


def _is_enough(row: MasterRow, wanted: ErpReferences) -> bool:
    """A customer whose address is missing may have been given one."""
    return not (isinstance(row, Customer) and row.invoice_address is None and wanted.line_kinds)


def _customer(wanted: ErpReferences, found: Rows, company: Company) -> Iterator[MissingReference]:
    if wanted.customer is None:
        return
    customer = found.get(of_all(MasterKind.CUSTOMER, wanted.customer))
    if not isinstance(customer, Customer):
        yield _missing(ErpReferenceKind.CUSTOMER, wanted.company, wanted.customer)
    elif customer.invoice_address is None and makes_invoices(
        wanted.line_kinds, wanted.currency, company.currency
    ):
        yield _missing(ErpReferenceKind.CUSTOMER_ADDRESS, wanted.company, wanted.customer)


def _cost_centres(wanted: ErpReferences, found: Rows) -> Iterator[MissingReference]:
    for code in dict.fromkeys(centre.company for centre in wanted.cost_centres):
        if of_all(MasterKind.COMPANY, code) not in found:
            yield _missing(ErpReferenceKind.COMPANY, code, code)
            continue
        for centre in wanted.cost_centres:
            key = MasterKey(MasterKind.COST_CENTRE, code, centre.code)
            if centre.company == code and key not in found:
                yield _missing(ErpReferenceKind.COST_CENTRE, code, centre.code)


def _missing(kind: ErpReferenceKind, company: str, name: str) -> MissingReference:
    return MissingReference(kind=kind, company=company, name=name)
