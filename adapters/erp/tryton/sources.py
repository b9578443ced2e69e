"""Where Tryton has its master data: a model a kind, the fields that are read, and what they become.

A look-up and a page of all there is read the same fields, so that both keep the same row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from adapters.erp.tryton import wire
from oppsync.domain.master_data.rows import (
    Company,
    CostCentre,
    Customer,
    Employee,
    FiscalYear,
    MasterKind,
    MasterRow,
    PaymentTerms,
    Product,
    Setting,
    Tax,
)
from oppsync.kernel.errors import Misconfigured

Domain = Sequence[object]
_Shape = TypeVar("_Shape", bound=BaseModel)
# Of a setting's code, what stands before its own.
CURRENCY, COUNTRY, UNIT, JOURNAL, ACCOUNTS = "currency", "country", "unit", "journal", "accounts"
RECEIVABLE, REVENUE = "default_account_receivable", "default_category_account_revenue"
# Of an account that was closed.
CLOSED = "closed"
# Of accounts that group others nothing can be booked on.
BOOKABLE: Domain = ["type", "in", ["normal", "distribution"]]
# Besides those called `xx_vat`: the types of identifiers that Tryton 8.2 takes for tax ids. One without a type
# may be.
_TAX_TYPES = frozenset(
    ["au_acn", "az_voen", "lt_pvm", "md_idno", "mz_nuit", "sn_nimea", "th_moa", "ua_edrpou", "ua_rntrc",
     "us_atin", "us_ein", "us_itin", "us_ptin", "us_ssn", "us_tin", "za_tin"]
)  # fmt: skip


def setting_code(what: str, value: str) -> str:
    return f"{what} {value}" if value else what


class Source(NamedTuple):
    """`code`: the field by which a record is looked up. `of_company`: each company has records of its own.
    `read` makes a row of a record of that company; None for one that no plan can name. `what`: of a setting."""

    model: str
    code: str
    fields: Sequence[str]
    read: Callable[[wire.Wire, str], MasterRow | None]
    of_company: bool = False
    domain: Sequence[Domain] = ()
    what: str = ""


class _Country(BaseModel):
    code: str | None = None


class _Address(BaseModel):
    id: int
    invoice: bool | None = None
    country: _Country | None = None


class _Identifier(BaseModel):
    type: str | None = None
    code: str | None = None

    @property
    def tax_id(self) -> str | None:
        is_tax = not self.type or self.type.endswith("_vat") or self.type in _TAX_TYPES
        return self.code if is_tax else None


class _OfCompany(BaseModel):
    company: wire.CompanyRow | None = None
    account_receivable: int | None = None


class _Party(BaseModel):
    id: int
    name: str | None = None
    code: str | None = None
    addresses: tuple[_Address, ...] = ()
    identifiers: tuple[_Identifier, ...] = ()
    accounts: tuple[_OfCompany, ...] = ()


def _customer(record: wire.Wire, company: str) -> Customer | None:
    party = _read(_Party, record)
    if not party.code:
        return None
    countries = {address.country.code for address in party.addresses if address.country}
    tax_ids = {identifier.tax_id for identifier in party.identifiers}
    invoiced = sorted(party.addresses, key=lambda address: not address.invoice)
    return Customer(
        code=party.code,
        record=str(party.id),
        name=party.name or "",
        countries=tuple(sorted(code for code in countries if code)),
        tax_ids=tuple(sorted(tax_id for tax_id in tax_ids if tax_id)),
        invoice_address=str(invoiced[0].id) if invoiced else None,
        receivable={
            (each.company.party.code or "") if each.company else "": str(each.account_receivable)
            for each in party.accounts
            if each.account_receivable is not None
        },
    )


class _CompanyRecord(BaseModel):
    id: int
    party: wire.Party
    currency: wire.Coded


def _company(record: wire.Wire, company: str) -> Company | None:
    found = _read(_CompanyRecord, record)
    code, currency = found.party.code, found.currency.code
    if not (code and currency):
        return None
    return Company(code=code, record=str(found.id), name=found.party.name or "", currency=currency)


class _Year(wire.FiscalYear):
    id: int
    name: str
    state: str


def _fiscal_year(record: wire.Wire, company: str) -> FiscalYear:
    year = _read(_Year, record)
    return FiscalYear(
        company=company,
        code=year.name,
        record=str(year.id),
        name=year.name,
        starts_on=year.start_date,
        ends_on=year.end_date,
        is_open=year.state == "open",
    )


class _Centre(BaseModel):
    id: int
    code: str | None = None
    name: str | None = None
    root: int | None = None


def _cost_centre(record: wire.Wire, company: str) -> CostCentre | None:
    found = _read(_Centre, record)
    if not found.code:
        return None
    group = None if found.root is None else str(found.root)
    return CostCentre(
        company=company, code=found.code, record=str(found.id), name=found.name or "", group=group
    )


def _tax(record: wire.Wire, company: str) -> Tax:
    found = _read(wire.Named, record)
    return Tax(company=company, code=found.name, record=str(found.id), name=found.name)


def _payment_terms(record: wire.Wire, company: str) -> PaymentTerms:
    found = _read(wire.Named, record)
    return PaymentTerms(code=found.name, record=str(found.id), name=found.name)


class _ProductRecord(wire.Coded):
    name: str | None = None


def _product(record: wire.Wire, company: str) -> Product | None:
    found = _read(_ProductRecord, record)
    if not found.code:
        return None
    return Product(code=found.code, record=str(found.id), name=found.name or "")


class _EmployeeRecord(BaseModel):
    id: int
    party: wire.Party


def _employee(record: wire.Wire, company: str) -> Employee:
    """Tryton gives employees no code of their own; that of their party may be missing."""
    found = _read(_EmployeeRecord, record)
    code = found.party.code or f"#{found.id}"
    return Employee(company=company, code=code, record=str(found.id), name=found.party.name or "")


def _setting(what: str, field: str) -> Callable[[wire.Wire, str], Setting | None]:
    def read(record: wire.Wire, company: str) -> Setting | None:
        value = str(record.get(field) or "")
        return Setting(code=setting_code(what, value), record=str(record["id"])) if value else None

    return read


class _Account(BaseModel):
    id: int
    closed: bool | None = None


class _Accounts(BaseModel):
    id: int
    default_account_receivable: _Account | None = None
    default_category_account_revenue: _Account | None = None


def _accounts(record: wire.Wire, company: str) -> Setting:
    """The default accounts of a company's books."""
    found = _read(_Accounts, record)
    values = {}
    for name in (RECEIVABLE, REVENUE):
        account: _Account | None = getattr(found, name)
        if account is not None:
            values[name] = CLOSED if account.closed else str(account.id)
    return Setting(company=company, code=ACCOUNTS, record=str(found.id), values=values)


SOURCES: Mapping[MasterKind, Sequence[Source]] = {
    MasterKind.COMPANY: [
        Source("company.company", "party.code", ["party.code", "party.name", "currency.code"], _company)
    ],
    MasterKind.SETTING: [
        Source("currency.currency", "code", ["code"], _setting(CURRENCY, "code"), what=CURRENCY),
        Source("country.country", "code", ["code"], _setting(COUNTRY, "code"), what=COUNTRY),
        Source("product.uom", "name", ["name"], _setting(UNIT, "name"), what=UNIT),
        Source("account.journal", "type", ["type"], _setting(JOURNAL, "type"), what=JOURNAL),
        Source(
            "account.configuration",
            "",
            [f"{RECEIVABLE}.closed", f"{REVENUE}.closed"],
            _accounts,
            of_company=True,
            what=ACCOUNTS,
        ),
    ],
    MasterKind.FISCAL_YEAR: [
        Source(
            "account.fiscalyear",
            "name",
            ["name", "start_date", "end_date", "state"],
            _fiscal_year,
            of_company=True,
        )
    ],
    MasterKind.TAX: [Source("account.tax", "name", ["name"], _tax, of_company=True)],
    MasterKind.PAYMENT_TERMS: [Source("account.invoice.payment_term", "name", ["name"], _payment_terms)],
    MasterKind.COST_CENTRE: [
        Source(
            "analytic_account.account",
            "code",
            ["code", "name", "root"],
            _cost_centre,
            of_company=True,
            domain=[["code", "!=", None], BOOKABLE],
        )
    ],
    MasterKind.PRODUCT: [
        Source("product.product", "code", ["code", "name"], _product, domain=[["code", "!=", None]])
    ],
    MasterKind.EMPLOYEE: [
        Source("company.employee", "party.code", ["party.code", "party.name"], _employee, of_company=True)
    ],
    MasterKind.CUSTOMER: [
        Source(
            "party.party",
            "code",
            [
                "name",
                "code",
                "addresses.invoice",
                "addresses.country.code",
                "identifiers.type",
                "identifiers.code",
                "accounts.company.party.code",
                "accounts.account_receivable",
            ],
            _customer,
            domain=[["code", "!=", None]],
        )
    ],
}


def source_of(kind: MasterKind, code: str) -> Source:
    """Where a record of this code is. Settings have several places, by what stands before the code."""
    sources = SOURCES[kind]
    what = code.partition(" ")[0]
    return sources[0] if len(sources) == 1 else next(each for each in sources if each.what == what)


def _read(shape: type[_Shape], record: wire.Wire) -> _Shape:
    """Raises Misconfigured for a record that does not have Tryton 8.2's shape."""
    try:
        return shape.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Misconfigured(f"Tryton: master data that is not Tryton 8.2's: {place}: {first['msg']}") from None
