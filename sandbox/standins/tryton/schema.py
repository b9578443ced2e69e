"""The part of Tryton's models that projects and invoices need: each field's kind, and whether it is required.

Stock Tryton: `party.party.code` is unique, `project.work.number` is given by the server, and two projects or
two invoices may have the same key of ours.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """Tryton's field types."""

    CHAR = "char"
    NUMERIC = "numeric"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMEDELTA = "timedelta"
    MANY2ONE = "many2one"
    MANY2MANY = "many2many"  # kept as a JSON list of ids
    ONE2MANY = "one2many"  # has no column: the target points back


COLUMNS = {
    Kind.FLOAT: "REAL",
    Kind.TIMEDELTA: "REAL",
    Kind.BOOLEAN: "INTEGER",
    Kind.MANY2ONE: "INTEGER",
}


class Field(NamedTuple):
    """`target` is the other model; of ONE2MANY, `back` is its field that points here.
    `decimals`: the most of a NUMERIC."""

    kind: Kind = Kind.CHAR
    target: str = ""
    back: str = ""
    required: bool = False
    read_only: bool = False
    unique: bool = False
    options: tuple[str, ...] = ()
    default: object = None
    decimals: int | None = None


Model = Mapping[str, Field]

NAME = Field(required=True)
PRICE = Field(Kind.NUMERIC, decimals=4)
COMPANY = Field(Kind.MANY2ONE, "company.company", required=True)


def record(target: str, *, required: bool = False, default: object = None) -> Field:
    return Field(Kind.MANY2ONE, target, required=required, default=default)


MODELS: Mapping[str, Model] = {
    "party.party": {
        "name": NAME,
        "code": Field(unique=True),
        "addresses": Field(Kind.ONE2MANY, "party.address", "party"),
        "accounts": Field(Kind.ONE2MANY, "party.party.account", "party"),
        "identifiers": Field(Kind.ONE2MANY, "party.identifier", "party"),
    },
    "party.address": {
        "party": record("party.party", required=True),
        "invoice": Field(Kind.BOOLEAN),
        "country": record("country.country"),
    },
    "party.identifier": {
        "party": record("party.party", required=True),
        "type": Field(),
        "code": Field(required=True),
    },
    "party.party.account": {
        "party": record("party.party", required=True),
        "company": record("company.company"),
        "account_receivable": record("account.account"),
    },
    "company.employee": {"party": record("party.party", required=True), "company": COMPANY},
    "country.country": {"name": NAME, "code": Field(required=True)},
    "currency.currency": {"name": NAME, "code": Field(required=True, unique=True), "digits": Field(Kind.FLOAT)},
    "company.company": {
        "party": record("party.party", required=True),
        "currency": record("currency.currency", required=True),
    },
    "account.account": {
        "name": NAME,
        "code": Field(),
        "company": COMPANY,
        "closed": Field(Kind.BOOLEAN, default=0),
    },
    "account.configuration": {
        "company": COMPANY,
        "default_account_receivable": record("account.account"),
        "default_category_account_revenue": record("account.account"),
    },
    "account.fiscalyear": {
        "name": NAME,
        "company": COMPANY,
        "state": Field(options=("open", "closed", "locked"), default="open"),
        "start_date": Field(Kind.DATE, required=True),
        "end_date": Field(Kind.DATE, required=True),
    },
    "account.journal": {"name": NAME, "type": Field(required=True)},
    "account.tax": {"name": NAME, "company": COMPANY, "rate": Field(Kind.NUMERIC)},
    "account.invoice.payment_term": {"name": NAME},
    "analytic_account.account": {
        "name": NAME,
        "code": Field(),
        "company": COMPANY,
        "type": Field(options=("root", "view", "normal", "distribution"), default="normal"),
        "root": record("analytic_account.account"),
    },
    "analytic.account.entry": {
        "origin": record("account.invoice.line"),
        "root": record("analytic_account.account", required=True),
        "account": record("analytic_account.account"),
    },
    "product.uom": {"name": NAME},
    "product.product": {"name": NAME, "code": Field(unique=True), "default_uom": record("product.uom")},
    "project.work.status": {"name": NAME, "progress": Field(Kind.FLOAT)},
    "project.work": {
        "number": Field(read_only=True, unique=True),
        "name": NAME,
        "type": Field(required=True, options=("project", "task")),
        "comment": Field(),
        "company": COMPANY,
        "party": record("party.party"),
        "parent": record("project.work"),
        "children": Field(Kind.ONE2MANY, "project.work", "parent"),
        "status": record("project.work.status", default=1),
        "progress": Field(Kind.FLOAT),
        "project_invoice_method": Field(
            options=("manual", "timesheet", "effort", "progress"), default="manual"
        ),
        "product": record("product.product"),
        "list_price": PRICE,
        "timesheet_available": Field(Kind.BOOLEAN, default=0),
        "effort_duration": Field(Kind.TIMEDELTA),
    },
    "account.invoice": {
        "number": Field(read_only=True),
        "reference": Field(),
        "type": Field(required=True, options=("out", "in")),
        "state": Field(
            read_only=True, options=("draft", "validated", "posted", "paid", "cancelled"), default="draft"
        ),
        "description": Field(),
        "comment": Field(),
        "invoice_date": Field(Kind.DATE),
        "company": COMPANY,
        "party": record("party.party", required=True),
        "invoice_address": record("party.address", required=True),
        "currency": record("currency.currency", required=True),
        "account": record("account.account", required=True),
        "journal": record("account.journal", required=True),
        "payment_term": record("account.invoice.payment_term"),
        "untaxed_amount": Field(Kind.NUMERIC, read_only=True),
        "lines": Field(Kind.ONE2MANY, "account.invoice.line", "invoice"),
    },
    "account.invoice.line": {
        "invoice": record("account.invoice"),
        "type": Field(required=True, options=("line", "subtotal", "title", "comment"), default="line"),
        "company": COMPANY,
        "currency": record("currency.currency", required=True),
        "description": Field(),
        "account": record("account.account"),
        "product": record("product.product"),
        "unit": record("product.uom"),
        "quantity": Field(Kind.FLOAT),
        "unit_price": PRICE,
        "taxes": Field(Kind.MANY2MANY, "account.tax"),
        "analytic_accounts": Field(Kind.ONE2MANY, "analytic.account.entry", "origin"),
    },
}

# Fields of every record, besides its model's own.
COMMON: Model = {"id": Field(Kind.FLOAT), "create_date": Field(), "write_date": Field()}


def table(model: str) -> str:
    return f'"{model}"'


def tables() -> Iterator[str]:
    """The statements that create missing tables."""
    for model, fields in MODELS.items():
        columns = ["id INTEGER PRIMARY KEY AUTOINCREMENT", "create_date TEXT NOT NULL", "write_date TEXT"]
        columns += [
            f'"{name}" {COLUMNS.get(field.kind, "TEXT")}{" UNIQUE" if field.unique else ""}'
            for name, field in fields.items()
            if field.kind is not Kind.ONE2MANY
        ]
        yield f"CREATE TABLE IF NOT EXISTS {table(model)} ({', '.join(columns)})"
    yield 'CREATE INDEX IF NOT EXISTS works_of ON "project.work" ("parent")'
    yield 'CREATE INDEX IF NOT EXISTS invoices_referred ON "account.invoice" ("reference")'
    yield 'CREATE INDEX IF NOT EXISTS lines_of ON "account.invoice.line" ("invoice")'
    yield 'CREATE INDEX IF NOT EXISTS entries_of ON "analytic.account.entry" ("origin")'
    yield """CREATE TABLE IF NOT EXISTS changes (
        number INTEGER PRIMARY KEY, at TEXT NOT NULL, record TEXT NOT NULL, kind TEXT NOT NULL,
        fields TEXT NOT NULL)"""
