"""Reference data: effective-dated rows by kind and key, and the shapes of their values.

A row is valid from its first day up to, and without, its last. The date asked for is the day the deal was won.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, TypeVar

from pydantic import model_validator

from oppsync.domain.approvals import ApprovalRole
from oppsync.domain.billing_policy import BillingPolicy
from oppsync.domain.customers import CustomerLink
from oppsync.domain.exchange import ExchangeRate
from oppsync.domain.findings import Severity
from oppsync.domain.keys import slug
from oppsync.domain.model import Code, Frozen, Quantity, Text, omitted_at, plain
from oppsync.domain.money import Currency, Money
from oppsync.domain.opportunity import BillingModelCode
from oppsync.domain.patterns import Pattern
from oppsync.domain.pricing import net_of
from oppsync.domain.split_rules import SplitRule
from oppsync.domain.tax import TaxExemption, TaxNexus, TaxRegime, TaxTreatment, Withholding

Shape = TypeVar("Shape", bound=Frozen)
_WHOLE = Decimal(100)


class ReferenceKind(StrEnum):
    LEGAL_ENTITY = "legal_entity"
    SERVICE_LINE = "service_line"
    COST_CENTRE = "cost_centre"
    PROJECT_TEMPLATE = "project_template"
    RATE_CARD = "rate_card"
    TAX_TREATMENT = "tax_treatment"
    DELIVERY_MODEL = "delivery_model"
    REGION = "region"
    SPLIT_RULE = "split_rule"
    TRANSFER_PRICE = "transfer_price"
    COST_RATE = "cost_rate"
    MARGIN_POLICY = "margin_policy"
    APPROVAL_RULE = "approval_rule"
    TAX_REGIME = "tax_regime"
    TAX_NEXUS = "tax_nexus"
    TAX_EXEMPTION = "tax_exemption"
    WITHHOLDING = "withholding"
    EXCHANGE_RATE = "exchange_rate"
    CUSTOMER_LINK = "customer_link"


# A part of a key that stands for every other value.
ANY = "*"


class LegalEntity(Frozen):
    """Key: the code the CRM uses. `erp_company` is the ERP's own name for it; `currency` its functional one.

    Once approved it contracts from `approved_from` up to, and without, `approved_to`.
    Where it `creates_customers`, one that the ERP lacks is created with the projects, after their approval.
    With a `reporting_currency` every deal needs the exchange rates to both.
    Its holidays are those of `country` and `subdivision` (ISO 3166-2 without the country: `BY`).
    """

    code: Code
    name: Text
    country: Code
    currency: Currency
    currencies: tuple[Currency, ...]
    erp_company: Code
    approved: bool = False
    approved_by: Text | None = None
    approved_from: date | None = omitted_at(None)
    approved_to: date | None = omitted_at(None)
    creates_customers: bool = omitted_at(False)
    time_zone: Code = "UTC"
    subdivision: Code | None = omitted_at(None)
    reporting_currency: Currency | None = omitted_at(None)
    billing_policy: BillingPolicy = omitted_at(BillingPolicy())

    def not_approved_on(self, day: date) -> str | None:
        """Why it may not contract on this day, in words; None when it may."""
        by = f" by {self.approved_by}" if self.approved_by else ""
        if not self.approved:
            return "is not approved for contracts"
        if self.approved_from is not None and day < self.approved_from:
            return f"is approved{by} from {self.approved_from} on only"
        if self.approved_to is not None and day >= self.approved_to:
            return f"was approved{by} until {self.approved_to} only"
        return None


class ServiceLine(Frozen):
    """Key: the CRM's name of it."""

    code: Code
    name: Text


class CostCentre(Frozen):
    """Key: `<entity code>|<service line code>`. Nothing is booked on it from `closed_on` on."""

    code: Code
    name: Text
    closed_on: date | None = omitted_at(None)


class TemplateTask(Frozen):
    """`role` does it."""

    name: Code
    role: Code | None = None


class TemplatePhase(Frozen):
    """`percent` of the workstream's days. `code` is part of keys in the ERP: never change it."""

    code: Code
    name: Text
    percent: Quantity
    tasks: tuple[TemplateTask, ...] = ()


class BudgetLine(Frozen):
    """`percent` of the workstream's hours is asked of `role`, in `location` or else where it is delivered."""

    role: Code
    percent: Quantity
    location: Code | None = None


class ProjectTemplate(Frozen):
    """Key: `<service line code>|<region>|<billing model>`. `tasks` become task nodes of the workstream,
    `phases` task nodes with tasks below them; `naming` and `numbering` are patterns (`domain/patterns.py`).

    `budget`, or else the roles sold where `requests_roles_sold`, becomes staffing requests. `time_entry`:
    whether people may book time from the first day on; None leaves it to the ERP.
    """

    code: Code
    name: Text
    tasks: tuple[Code, ...] = ()
    phases: tuple[TemplatePhase, ...] = omitted_at(())
    budget: tuple[BudgetLine, ...] = omitted_at(())
    requests_roles_sold: bool = omitted_at(False)
    naming: Pattern | None = omitted_at(None)
    numbering: Pattern | None = omitted_at(None)
    time_entry: bool | None = omitted_at(None)

    @model_validator(mode="after")
    def _whole(self) -> ProjectTemplate:
        parts: dict[str, tuple[list[str], list[Decimal]]] = {
            "phases": ([slug(phase.code) for phase in self.phases], [phase.percent for phase in self.phases]),
            "budget": (
                [f"{slug(line.role)} in {slug(line.location or '')}" for line in self.budget],
                [line.percent for line in self.budget],
            ),
        }
        for field, (keys, percents) in parts.items():
            if percents and (sum(percents) != _WHOLE or min(percents) <= 0):
                raise ValueError(f"{field}: each has to be above 0 % and all of them 100 %")
            if len(set(keys)) < len(keys):
                raise ValueError(f"{field}: two are the same")
        return self


class Rate(Frozen):
    """Keys: `<customer code>|<region>|<role>|<currency>`, then `<region>|<role>|<currency>`. Price of an hour.

    `discount_percent` is the card's own: an hour is sold at `price`. A `version` given is frozen in plans.
    """

    card: Code
    hourly: Quantity
    discount_percent: Quantity = omitted_at(Decimal(0))
    version: Code | None = omitted_at(None)

    @property
    def price(self) -> Decimal:
        return net_of(Decimal(1), self.hourly, self.discount_percent)


class CostRate(Frozen):
    """Keys: `<region>|<role>|<currency>`, then `<region>|*|<currency>`. What an hour costs the firm."""

    card: Code
    hourly: Quantity


class MarginPolicy(Frozen):
    """Keys: of a deal `<entity code>`, then `*`; of a service line `<entity code>|<service line code>`.

    A margin below `floor_percent` of the price blocks or warns.
    """

    floor_percent: Quantity
    severity: Severity = Severity.WARNS


class DeliveryModel(Frozen):
    """Key: the CRM's name of it."""

    code: Code
    name: Text


class Region(Frozen):
    """Key: the region. `compliance`: attribute -> value, shown on the plan.

    `delivery_entity` does the work delivered there, whoever sells it, unless a split rule says otherwise.
    """

    code: Code
    name: Text
    compliance: dict[str, Text] = {}
    delivery_entity: Code | None = omitted_at(None)


class TransferPrice(Frozen):
    """Key: `<selling entity>|<delivering entity>`. What the one owes the other: cost plus `percent`, under a
    written `agreement` (OECD Transfer Pricing Guidelines, chapter II, part II: the cost plus method)."""

    method: Literal["cost_plus"] = "cost_plus"
    percent: Quantity
    agreement: Text | None = None

    def __str__(self) -> str:
        under = f" ({self.agreement})" if self.agreement else ""
        return f"cost plus {plain(self.percent)} %{under}"


class ApprovalRule(Frozen):
    """Key: the rule's name. A plan that meets every condition is approved for `roles` without a person.

    `up_to` is the largest contract total, in its currency alone. Empty `legal_entities` or `billing_models`
    mean any. `known_customers_only`: the customer has an earlier deal whose projects became active. A plan
    whose margin is below `least_margin_percent`, or not known, is not covered.
    """

    up_to: Money
    roles: tuple[ApprovalRole, ...] = tuple(ApprovalRole)
    legal_entities: tuple[Code, ...] = ()
    billing_models: tuple[BillingModelCode, ...] = ()
    known_customers_only: bool = True
    least_margin_percent: Quantity | None = omitted_at(None)


SHAPES: dict[ReferenceKind, type[Frozen]] = {
    ReferenceKind.LEGAL_ENTITY: LegalEntity,
    ReferenceKind.SERVICE_LINE: ServiceLine,
    ReferenceKind.COST_CENTRE: CostCentre,
    ReferenceKind.PROJECT_TEMPLATE: ProjectTemplate,
    ReferenceKind.RATE_CARD: Rate,
    ReferenceKind.TAX_TREATMENT: TaxTreatment,
    ReferenceKind.DELIVERY_MODEL: DeliveryModel,
    ReferenceKind.REGION: Region,
    ReferenceKind.SPLIT_RULE: SplitRule,
    ReferenceKind.TRANSFER_PRICE: TransferPrice,
    ReferenceKind.COST_RATE: CostRate,
    ReferenceKind.MARGIN_POLICY: MarginPolicy,
    ReferenceKind.APPROVAL_RULE: ApprovalRule,
    ReferenceKind.TAX_REGIME: TaxRegime,
    ReferenceKind.TAX_NEXUS: TaxNexus,
    ReferenceKind.TAX_EXEMPTION: TaxExemption,
    ReferenceKind.WITHHOLDING: Withholding,
    ReferenceKind.EXCHANGE_RATE: ExchangeRate,
    ReferenceKind.CUSTOMER_LINK: CustomerLink,
}


def reference_key(*parts: str) -> str:
    return "|".join(parts)


class ReferenceRow(Frozen):
    """One row. `valid_to` is exclusive; None means until further notice. `version` grows with each edit."""

    kind: ReferenceKind
    key: Code
    valid_from: date
    valid_to: date | None = None
    version: int = 1
    value: dict[str, Any]

    def covers(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class ReferenceUse(Frozen):
    """Which row a value came from."""

    kind: ReferenceKind
    key: Code
    valid_from: date
    version: int


class ReferenceBook:
    """All rows of one tenant, ready to be asked. Rows of one key never overlap (the store sees to it)."""

    def __init__(self, rows: Iterable[ReferenceRow]) -> None:
        self._rows: dict[tuple[ReferenceKind, str], list[ReferenceRow]] = {}
        for row in rows:
            self._rows.setdefault((row.kind, row.key), []).append(row)

    def row(self, kind: ReferenceKind, key: str, day: date) -> ReferenceRow | None:
        return next((row for row in self._rows.get((kind, key), ()) if row.covers(day)), None)

    def uncovered(self, kind: ReferenceKind, key: str, first: date, last: date) -> date | None:
        """The first day from `first` to `last` on which the key has no row."""
        day = first
        for row in sorted(self._rows.get((kind, key), ()), key=lambda row: row.valid_from):
            if day > last or row.valid_from > day:
                break
            if row.covers(day):
                if row.valid_to is None:
                    return None
                day = row.valid_to
        return day if day <= last else None

    def find(
        self, shape: type[Shape], kind: ReferenceKind, key: str, day: date
    ) -> tuple[Shape, ReferenceUse] | None:
        """The value valid on `day` and where it came from; None when there is no such row."""
        row = self.row(kind, key, day)
        return None if row is None else _read(shape, row)

    def all(self, shape: type[Shape], kind: ReferenceKind, day: date) -> list[tuple[Shape, ReferenceUse]]:
        """Every value of a kind valid on `day`, and where it came from, by key."""
        rows = [self.row(kind, key, day) for of_kind, key in sorted(self._rows) if of_kind is kind]
        return [_read(shape, row) for row in rows if row is not None]


def _read(shape: type[Shape], row: ReferenceRow) -> tuple[Shape, ReferenceUse]:
    use = ReferenceUse(kind=row.kind, key=row.key, valid_from=row.valid_from, version=row.version)
    return shape.model_validate(row.value), use
