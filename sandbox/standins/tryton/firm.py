"""The demo firm in Tryton's books: companies, accounts, taxes, products, customers. Written once."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sandbox.standins.tryton.records import Records
from sandbox.standins.wire import Json

Values = Mapping[str, Json]


class StandinCompany(NamedTuple):
    code: str
    name: str
    currency: str
    taxes: Mapping[str, str]  # name -> rate
    cost_centres: tuple[str, ...]


CURRENCIES = {"EUR": 2, "USD": 2, "GBP": 2, "JPY": 0}
COMPANIES = (
    StandinCompany(
        "ACME-DE",
        "Acme Advisory GmbH",
        "EUR",
        {"VAT-DE-19": "0.19", "RC-EU": "0", "EXPORT-0": "0"},
        ("CC-DE-ADV", "CC-DE-CLOUD"),
    ),
    StandinCompany("ACME-US", "Acme Advisory Inc.", "USD", {"US-NT": "0"}, ("CC-US-ADV", "CC-US-CLOUD")),
)
CUSTOMERS = {
    "CUST-1001": ("Globex GmbH", "DE", "DE136695976"),
    "CUST-1002": ("Initech Inc", "US", ""),
    "CUST-1003": ("Umbrella SAS", "FR", "FR40303265045"),
    "CUST-1004": ("Nordbank AG", "DE", "DE129273398"),
    "CUST-1009": ("Kulturstiftung Isar", "DE", ""),
    "CUST-2001": ("Riviera Conseil SAM", "MC", "FR53000056888"),
    "CUST-2002": ("Teide Servicios SL", "ES", "ESB58378431"),
}
PAYMENT_TERMS = ("NET14", "NET30", "NET60")
PRODUCTS = {
    "CONS-HR": ("Consulting hour", "Hour"),
    "FIXED": ("Fixed fee", "Unit"),
    "MS": ("Milestone", "Unit"),
}
FISCAL_YEARS = (2025, 2026, 2027, 2028)


def seed(records: Records) -> None:
    """Harmless to repeat: books that know a company are left as they are."""
    with records.books.transaction():
        if records.search("company.company", [], None):
            return
        for name, progress in (("Open", None), ("Done", Decimal(1))):
            records.create("project.work.status", {"name": name, "progress": progress}, None)
        currencies = {
            code: records.create(
                "currency.currency", {"name": code, "code": code, "digits": Decimal(digits)}, None
            )
            for code, digits in CURRENCIES.items()
        }
        units = {name: records.create("product.uom", {"name": name}, None) for name in ("Unit", "Hour")}
        for code, (name, unit) in PRODUCTS.items():
            product = {"name": name, "code": code, "default_uom": units[unit]}
            records.create("product.product", product, None)
        for name in PAYMENT_TERMS:
            records.create("account.invoice.payment_term", {"name": name}, None)
        for kind in ("revenue", "expense", "cash"):
            records.create("account.journal", {"name": kind.capitalize(), "type": kind}, None)
        for company in COMPANIES:
            _open_books(records, company, currencies[company.currency])
        countries = {
            code: records.create("country.country", {"name": code, "code": code}, None)
            for code in ("DE", "ES", "FR", "MC", "US")
        }
        for code, (name, country, tax_id) in CUSTOMERS.items():
            address: Json = {"invoice": True, "country": countries[country]}
            identifier: Json = {"type": "eu_vat", "code": tax_id}
            party: dict[str, Json] = {
                "name": name,
                "code": code,
                "addresses": [["create", [address]]],
                "identifiers": [["create", [identifier]]] if tax_id else [],
            }
            records.create("party.party", party, None)


def _open_books(records: Records, company: StandinCompany, currency: int) -> None:
    party = records.create("party.party", {"name": company.name, "code": company.code}, None)
    ours = records.create("company.company", {"party": party, "currency": currency}, None)

    def make(model: str, **values: Json) -> int:
        return records.create(model, {"company": ours, **values}, ours)

    make(
        "account.configuration",
        default_account_receivable=make("account.account", name="Receivable", code="1.2.1"),
        default_category_account_revenue=make("account.account", name="Revenue", code="4.1.2"),
    )
    for name, rate in company.taxes.items():
        make("account.tax", name=name, rate={"decimal": rate})
    root = make("analytic_account.account", name="Cost centres", type="root")
    for code in company.cost_centres:
        make("analytic_account.account", name=code, code=code, root=root)
    for year in FISCAL_YEARS:
        make(
            "account.fiscalyear",
            name=str(year),
            start_date=_day(date(year, 1, 1)),
            end_date=_day(date(year, 12, 31)),
        )


def _day(value: date) -> Values:
    return {"year": value.year, "month": value.month, "day": value.day}
