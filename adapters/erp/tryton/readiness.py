"""What a company in Tryton must have before it can invoice: one row for each requirement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from adapters.erp.tryton import wire
from adapters.erp.tryton.client import TrytonClient

Domain = list[list[object]]


def missing(client: TrytonClient, company_code: str, products: Sequence[str], today: date) -> list[str]:
    """Each requirement that the company lacks, as a noun phrase; empty when it is ready."""
    companies = client.search("company.company", [["party.code", "=", company_code]], ["id"])
    if not companies:
        return [f"the company {company_code} itself"]
    company = int(companies[0]["id"])
    lacking = [
        name for name, field in DEFAULT_ACCOUNTS.items() if not _has_open_account(client, field, company)
    ]
    for name, (model, domain) in _things(company, products, today).items():
        if not client.search(model, domain, ["id"], company):
            lacking.append(name)
    return lacking


def open_years(client: TrytonClient, company_code: str) -> list[wire.FiscalYear]:
    mine: Domain = [["company.party.code", "=", company_code], ["state", "=", "open"]]
    years = client.search("account.fiscalyear", mine, ["start_date", "end_date"])
    return [wire.FiscalYear.model_validate(year) for year in years]


DEFAULT_ACCOUNTS = {
    "a default receivable account": "default_account_receivable",
    "a default revenue account": "default_category_account_revenue",
}


def _things(company: int, products: Sequence[str], today: date) -> dict[str, tuple[str, Domain]]:
    ours: list[object] = ["company", "=", company]
    day = wire.day(today)
    current: Domain = [["state", "=", "open"], ["start_date", "<=", day], ["end_date", ">=", day]]
    return {
        "a tax": ("account.tax", [ours]),
        "an open fiscal year for today": ("account.fiscalyear", [ours, *current]),
        "a revenue journal": ("account.journal", [["type", "=", "revenue"]]),
        **{f"the product {code}": ("product.product", [["code", "=", code]]) for code in products},
    }


def _has_open_account(client: TrytonClient, field: str, company: int) -> bool:
    (defaults,) = client.search("account.configuration", [], [f"{field}.closed"], company)
    return defaults[field] is not None and not defaults[field]["closed"]
