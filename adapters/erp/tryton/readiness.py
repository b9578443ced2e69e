"""What a company in Tryton must have before it can invoice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from adapters.erp.tryton.facts import Facts, of_shape
from adapters.erp.tryton.named import JOURNAL_OF_INVOICES, accounts_are_open, lacking_accounts, of_all, setting
from adapters.erp.tryton.sources import ACCOUNTS, JOURNAL, RECEIVABLE, REVENUE
from oppsync.domain.master_data.rows import FiscalYear, MasterKind, MasterRow, Setting

_DEFAULT_ACCOUNTS = {RECEIVABLE: "a default receivable account", REVENUE: "a default revenue account"}


def missing(facts: Facts, company: str, products: Sequence[str], today: date) -> list[str]:
    """Each requirement that the company lacks, as a noun phrase; empty when it is ready."""
    return list(_lacking(facts, company, products, today))


def _lacking(facts: Facts, company: str, products: Sequence[str], today: date) -> Iterator[str]:
    key = of_all(MasterKind.COMPANY, company)
    accounts, journal = setting(ACCOUNTS, company=company), setting(JOURNAL, JOURNAL_OF_INVOICES)
    of_products = {code: of_all(MasterKind.PRODUCT, code) for code in dict.fromkeys(products)}
    found = facts.find([key, accounts, journal, *of_products.values()], is_enough=_is_open)
    if key not in found:
        yield f"the company {company} itself"
        return
    for name in lacking_accounts(of_shape(Setting, found.get(accounts))):
        yield _DEFAULT_ACCOUNTS[name]
    if not facts.of_company(MasterKind.TAX, company, bool):
        yield "a tax"
    if not _covers(open_years(facts, company, [today]), today):
        yield "an open fiscal year for today"
    if journal not in found:
        yield "a revenue journal"
    for code, of in of_products.items():
        if of not in found:
            yield f"the product {code}"


def open_years(facts: Facts, company: str, days: Sequence[date]) -> list[FiscalYear]:
    """The company's open fiscal years. Those that are remembered answer only where these days lie in them: a
    year may have been opened just now."""

    def is_enough(rows: Sequence[MasterRow]) -> bool:
        years = _open(rows)
        return bool(years) and all(_covers(years, day) for day in days)

    return _open(facts.of_company(MasterKind.FISCAL_YEAR, company, is_enough))


def _open(rows: Sequence[MasterRow]) -> list[FiscalYear]:
    return [row for row in rows if isinstance(row, FiscalYear) and row.is_open]


def _covers(years: Sequence[FiscalYear], day: date) -> bool:
    return any(year.starts_on <= day <= year.ends_on for year in years)


def outside(days: Sequence[date], years: Sequence[FiscalYear]) -> Sequence[date]:
    return [day for day in days if not _covers(years, day)]


def _is_open(row: MasterRow) -> bool:
    return not (isinstance(row, Setting) and row.code == ACCOUNTS) or accounts_are_open(row)
