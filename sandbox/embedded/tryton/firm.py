"""A firm as its ERP knows it, and the demo firm: the one place for every code that development, demo and tests
may use of it.

Plain data; `seed.py` writes it into a fresh Tryton. A code that is not listed here does not exist in the ERP.
"""

from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

DATABASE = "erp"
MODULES = (
    "party",
    "company",
    "currency",
    "account",
    "account_invoice",
    "account_product",
    "analytic_account",
    "analytic_invoice",
    "product",
    "project",
    "project_invoice",
    "timesheet",
)

# Fixed on purpose, for development only: the server listens on loopback alone and holds invented data.
DEVELOPMENT_ADMIN_LOGIN = "admin"
DEVELOPMENT_ADMIN_PASSWORD = "look-in-locally"  # noqa: S105
DEVELOPMENT_SERVICE_LOGIN = "oppsync"

SERVICE_GROUPS = (
    "Accounting",
    "Analytic Administration",
    "Project Administration",
    "Project Invoice",
    "Timesheet Administration",
)

# Codes in Tryton's universal chart of accounts.
ACCOUNTS = {"receivable": "1.2.1", "payable": "2.1.1", "revenue": "4.1.2", "expense": "5.1.3", "tax": "6.3.6"}

FISCAL_YEARS = (2025, 2026, 2027, 2028)


class Country(NamedTuple):
    code: str
    name: str


class Subdivision(NamedTuple):
    """By its code of ISO 3166-2."""

    code: str
    name: str
    country: str


class Currency(NamedTuple):
    """`rate` is units of this currency for one of the firm's first."""

    code: str
    name: str
    symbol: str
    digits: int
    rate: Decimal


class Tax(NamedTuple):
    name: str
    description: str
    rate: Decimal
    legal_notice: str = ""


class CostCentre(NamedTuple):
    code: str
    name: str


class Company(NamedTuple):
    code: str
    name: str
    currency: str
    country: str
    street: str
    city: str
    timezone: str
    employee: str
    taxes: tuple[Tax, ...]
    standard_tax: str
    cost_centres: tuple[CostCentre, ...]


class Customer(NamedTuple):
    code: str
    name: str
    country: str
    street: str
    postal_code: str
    city: str
    payment_term: str
    tax_id: str = ""
    subdivision: str = ""
    tax_id_type: str = "eu_vat"


class Product(NamedTuple):
    code: str
    name: str
    uom: str
    list_price: Decimal


class PaymentTerm(NamedTuple):
    name: str
    description: str
    days: int


class Firm(NamedTuple):
    """All that is written into the books of a firm; whatever names a country, a currency or a term has it
    here."""

    countries: tuple[Country, ...]
    currencies: tuple[Currency, ...]
    payment_terms: tuple[PaymentTerm, ...]
    products: tuple[Product, ...]
    companies: tuple[Company, ...]
    customers: tuple[Customer, ...]
    subdivisions: tuple[Subdivision, ...] = ()


def written(firm: Firm) -> bytes:
    """The firm as JSON, for another process; equal firms are equal bytes."""
    return _JSON.dump_json(firm)


def read(path: Path) -> Firm:
    return _JSON.validate_json(path.read_bytes())


_JSON = TypeAdapter(Firm)

COUNTRIES = (
    Country("DE", "Germany"),
    Country("US", "United States"),
    Country("FR", "France"),
    Country("GB", "United Kingdom"),
    Country("JP", "Japan"),
    Country("MC", "Monaco"),
    Country("ES", "Spain"),
)

CURRENCIES = (
    Currency("EUR", "Euro", "€", 2, Decimal("1")),
    Currency("USD", "US Dollar", "$", 2, Decimal("1.10")),
    Currency("GBP", "Pound Sterling", "£", 2, Decimal("0.86")),
    Currency("JPY", "Yen", "¥", 0, Decimal("162.5")),
)

PAYMENT_TERMS = (
    PaymentTerm("NET14", "Payment within 14 days", 14),
    PaymentTerm("NET30", "Payment within 30 days", 30),
    PaymentTerm("NET60", "Payment within 60 days", 60),
)

PRODUCTS = (
    Product("CONS-HR", "Consulting hour", "Hour", Decimal("150")),
    Product("FIXED", "Fixed fee", "Unit", Decimal("0")),
    Product("MS", "Milestone", "Unit", Decimal("0")),
)

COMPANIES = (
    Company(
        code="ACME-DE",
        name="Acme Advisory GmbH",
        currency="EUR",
        country="DE",
        street="Speicherstraße 1",
        city="Hamburg",
        timezone="Europe/Berlin",
        employee="Erika Beispiel",
        taxes=(
            Tax("VAT-DE-19", "19 % USt.", Decimal("0.19")),
            Tax(
                "RC-EU",
                "Reverse charge",
                Decimal("0"),
                "Tax liability of the recipient, Article 196 Directive 2006/112/EC",
            ),
            Tax("EXPORT-0", "Not taxable in Germany", Decimal("0"), "Service outside the scope of German VAT"),
        ),
        standard_tax="VAT-DE-19",
        cost_centres=(
            CostCentre("CC-DE-ADV", "Advisory Germany"),
            CostCentre("CC-DE-CLOUD", "Cloud Germany"),
        ),
    ),
    Company(
        code="ACME-US",
        name="Acme Advisory Inc.",
        currency="USD",
        country="US",
        street="1 Harbor Street",
        city="Boston",
        timezone="America/New_York",
        employee="Evan Example",
        taxes=(Tax("US-NT", "Not taxable", Decimal("0")),),
        standard_tax="US-NT",
        cost_centres=(
            CostCentre("CC-US-ADV", "Advisory United States"),
            CostCentre("CC-US-CLOUD", "Cloud United States"),
        ),
    ),
)

# Of countries whose parts are not all in one VAT area.
SUBDIVISIONS = (Subdivision("ES-GC", "Las Palmas", "ES"),)

CUSTOMERS = (
    Customer(
        "CUST-1001", "Globex GmbH", "DE", "Werkstraße 7", "80331", "München", "NET30", tax_id="DE136695976"
    ),
    Customer("CUST-1002", "Initech Inc", "US", "4120 Freidrich Lane", "78744", "Austin", "NET30"),
    Customer("CUST-1003", "Umbrella SAS", "FR", "2 rue de la Paix", "75002", "Paris", "NET60", "FR40303265045"),
    Customer(
        "CUST-1004", "Nordbank AG", "DE", "Jungfernstieg 22", "20354", "Hamburg", "NET14", tax_id="DE129273398"
    ),
    Customer("CUST-1009", "Kulturstiftung Isar", "DE", "Prinzregentenstraße 3", "80538", "München", "NET30"),
    Customer(
        "CUST-2001",
        "Riviera Conseil SAM",
        "MC",
        "2 quai Antoine 1er",
        "98000",
        "Monaco",
        "NET30",
        tax_id="FR53000056888",
    ),
    Customer(
        "CUST-2002",
        "Teide Servicios SL",
        "ES",
        "Calle Triana 10",
        "35002",
        "Las Palmas",
        "NET30",
        tax_id="ESB58378431",
        subdivision="ES-GC",
    ),
)

DEMO = Firm(COUNTRIES, CURRENCIES, PAYMENT_TERMS, PRODUCTS, COMPANIES, CUSTOMERS, SUBDIVISIONS)
