"""Tryton's JSON and the two records we read: `project.work` and `account.invoice`.

Values of types that JSON lacks are objects with `__class__` (trytond/protocols/jsonrpc.py).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator

from oppsync.kernel import canonical_json

Wire = dict[str, Any]


def decimal(number: Decimal) -> Wire:
    return {"__class__": "Decimal", "decimal": format(number, "f")}


def day(value: date) -> Wire:
    return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}


def hours(number: Decimal) -> Wire:
    return {"__class__": "timedelta", "seconds": float(number * 3600)}


def in_header(document: object) -> str:
    """A domain or a context as it is sent in a header: URL-safe base64 of its JSON."""
    return base64.urlsafe_b64encode(canonical_json.dumps(document).encode()).decode()


def _read_decimal(value: object) -> object:
    return value["decimal"] if isinstance(value, Mapping) else value


def _read_day(value: object) -> object:
    return date(value["year"], value["month"], value["day"]) if isinstance(value, Mapping) else value


def _read_hours(value: object) -> object:
    return timedelta(seconds=float(value["seconds"])) if isinstance(value, Mapping) else value


Amount = Annotated[Decimal, BeforeValidator(_read_decimal)]
Day = Annotated[date, BeforeValidator(_read_day)]
Duration = Annotated[timedelta, BeforeValidator(_read_hours)]


class Coded(BaseModel):
    """A party, product or analytic account, by its code."""

    id: int
    code: str | None = None


class Party(Coded):
    name: str | None = None


class Named(BaseModel):
    """A tax, payment term or status: stock Tryton gives these no code."""

    id: int
    name: str


class CompanyRow(BaseModel):
    id: int
    party: Coded


class FiscalYear(BaseModel):
    start_date: Day
    end_date: Day


class Work(BaseModel):
    """A project or task."""

    id: int
    number: str | None
    name: str
    type: str
    comment: str | None
    company: CompanyRow
    party: Coded | None
    parent: int | None
    status: Named
    project_invoice_method: str | None
    product: Coded | None
    list_price: Amount | None
    effort_duration: Duration | None


WORK_FIELDS = (
    "number",
    "name",
    "type",
    "comment",
    "company.party.code",
    "party.code",
    "parent",
    "status.name",
    "project_invoice_method",
    "product.code",
    "list_price",
    "effort_duration",
)


class AnalyticEntry(BaseModel):
    account: Coded | None


class InvoiceLine(BaseModel):
    id: int
    quantity: Decimal | None
    unit_price: Amount | None
    product: Coded | None
    taxes: list[Named]
    analytic_accounts: list[AnalyticEntry]


class Invoice(BaseModel):
    id: int
    number: str | None
    reference: str | None
    state: str
    description: str | None
    comment: str | None
    invoice_date: Day | None
    company: CompanyRow
    party: Coded
    currency: Coded
    payment_term: Named | None
    untaxed_amount: Amount
    lines: list[InvoiceLine]


INVOICE_FIELDS = (
    "number",
    "reference",
    "state",
    "description",
    "comment",
    "invoice_date",
    "company.party.code",
    "party.code",
    "currency.code",
    "payment_term.name",
    "untaxed_amount",
    "lines.quantity",
    "lines.unit_price",
    "lines.product.code",
    "lines.taxes.name",
    "lines.analytic_accounts.account.code",
)
