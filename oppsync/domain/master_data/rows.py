"""Master data of an ERP as rows of one shape a kind: what exists there, and what a look-up needs of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from oppsync.domain.values.model import Code, Frozen, Text


class MasterKind(StrEnum):
    """In the order in which they are read. `SETTING`: whatever else an invoice needs there."""

    COMPANY = "company"
    SETTING = "setting"
    FISCAL_YEAR = "fiscal_year"
    TAX = "tax"
    PAYMENT_TERMS = "payment_terms"
    COST_CENTRE = "cost_centre"
    PRODUCT = "product"
    EMPLOYEE = "employee"
    CUSTOMER = "customer"


KINDS_IN_WORDS: Mapping[MasterKind, tuple[str, str]] = {
    MasterKind.COMPANY: ("company", "companies"),
    MasterKind.SETTING: ("setting", "settings"),
    MasterKind.FISCAL_YEAR: ("fiscal year", "fiscal years"),
    MasterKind.TAX: ("tax", "taxes"),
    MasterKind.PAYMENT_TERMS: ("payment terms", "payment terms"),
    MasterKind.COST_CENTRE: ("cost centre", "cost centres"),
    MasterKind.PRODUCT: ("product", "products"),
    MasterKind.EMPLOYEE: ("employee", "employees"),
    MasterKind.CUSTOMER: ("customer", "customers"),
}


class MasterKey(NamedTuple):
    """`company`: empty for what all companies share."""

    kind: MasterKind
    company: str
    code: str


class MasterRow(Frozen):
    """`code`: by which plans and people name it. `record`: the ERP's own id of it."""

    company: Text = ""
    code: Code
    record: Code
    name: Text = ""


class Company(MasterRow):
    currency: Code


class Setting(MasterRow):
    """`values`: what else is known of it, such as the default accounts of a company's books."""

    values: dict[str, str] = {}


class FiscalYear(MasterRow):
    starts_on: date
    ends_on: date
    is_open: bool


class Tax(MasterRow):
    pass


class PaymentTerms(MasterRow):
    pass


class CostCentre(MasterRow):
    """One that can be booked on. `group`: the ERP's id of the set of cost centres that it belongs to."""

    group: Code | None = None


class Product(MasterRow):
    pass


class Employee(MasterRow):
    pass


class Customer(MasterRow):
    """`invoice_address`: the ERP's id of the address for invoices. `receivable`: by company, the ERP's id of
    the account that its invoices are booked on there, where it has one of its own."""

    countries: tuple[Code, ...] = ()
    tax_ids: tuple[Code, ...] = ()
    invoice_address: Code | None = None
    receivable: dict[str, str] = {}


SHAPES: Mapping[MasterKind, type[MasterRow]] = {
    MasterKind.COMPANY: Company,
    MasterKind.SETTING: Setting,
    MasterKind.FISCAL_YEAR: FiscalYear,
    MasterKind.TAX: Tax,
    MasterKind.PAYMENT_TERMS: PaymentTerms,
    MasterKind.COST_CENTRE: CostCentre,
    MasterKind.PRODUCT: Product,
    MasterKind.EMPLOYEE: Employee,
    MasterKind.CUSTOMER: Customer,
}
_KIND_OF = {shape: kind for kind, shape in SHAPES.items()}


def key_of(row: MasterRow) -> MasterKey:
    return MasterKey(_KIND_OF[type(row)], row.company, row.code)


class MasterPage(NamedTuple):
    """Rows of one kind. `after`: from where the next page is read; None after the last one."""

    rows: tuple[MasterRow, ...]
    after: str | None


def in_words(key: MasterKey) -> str:
    """`cost centre CC-DE-ADV of ACME-DE`."""
    of = f" of {key.company}" if key.company else ""
    return f"{KINDS_IN_WORDS[key.kind][0]} {key.code}{of}"
