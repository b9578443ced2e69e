"""Legal entities and what a deal is delivered by: service lines, cost centres, templates, regions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import model_validator

from oppsync.domain.reference.billing_policy import BillingPolicy
from oppsync.domain.values.keys import slug
from oppsync.domain.values.model import Code, Frozen, Quantity, Text, omitted_at
from oppsync.domain.values.money import Currency
from oppsync.domain.values.patterns import Pattern
from oppsync.domain.values.percentages import why_not_whole


class LegalEntity(Frozen):
    """Key: the code the CRM uses. `erp_company` is the ERP's own name for it; `currency` its functional
    currency.

    Once approved it contracts from `approved_from` to the day before `approved_to`. With `creates_customers`,
    a customer that the ERP lacks is created together with the projects, after their approval. With a
    `reporting_currency`, every deal needs the exchange rates to both currencies. Its holidays are those of
    `country` and `subdivision` (ISO 3166-2 without the country: `BY`).
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

    def today(self, now: datetime) -> date:
        """Which day it is where the entity is."""
        return now.astimezone(ZoneInfo(self.time_zone)).date()

    def begin_of(self, day: date) -> datetime:
        """The moment at which this day begins where the entity is."""
        return datetime.combine(day, time.min, ZoneInfo(self.time_zone)).astimezone(UTC)

    def not_approved_on(self, day: date) -> str | None:
        """Why it may not contract on this day, in words; None when it may."""
        by = f" by {self.approved_by}" if self.approved_by else ""
        if not self.approved:
            return "is not approved for contracts"
        if self.approved_from is not None and day < self.approved_from:
            return f"is approved{by} only from {self.approved_from} on"
        if self.approved_to is not None and day >= self.approved_to:
            return f"was approved{by} only until {self.approved_to}"
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
    """A task of a template, done by `role`."""

    name: Code
    role: Code | None = None


class TemplatePhase(Frozen):
    """A phase that takes `percent` of the workstream's days. `code` is part of keys in the ERP: never change
    it."""

    code: Code
    name: Text
    percent: Quantity
    tasks: tuple[TemplateTask, ...] = ()


class BudgetLine(Frozen):
    """`role` is requested for `percent` of the workstream's hours, in `location` or else in its delivery
    region."""

    role: Code
    percent: Quantity
    location: Code | None = None


class ProjectTemplate(Frozen):
    """Key: `<service line code>|<region>|<billing model>`. `tasks` become task nodes of the workstream,
    `phases` task nodes with tasks below them; `naming` and `numbering` are patterns (`values/patterns.py`).

    Staffing requests are made from `budget`; without hours to divide by it, from the roles sold where
    `requests_roles_sold`. `time_entry`: whether people may book time from the first day on; None leaves it to
    the ERP.
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
            if percents and (wrong := why_not_whole(percents)):
                raise ValueError(f"the percents of {field} are {wrong}")
            if len(set(keys)) < len(keys):
                raise ValueError(f"{field}: two are the same")
        return self


class DeliveryModel(Frozen):
    """Key: the CRM's name of it."""

    code: Code
    name: Text


class Region(Frozen):
    """Key: the region. `compliance`: attribute -> value, shown on the plan.

    `delivery_entity` does the work delivered there, whoever sells it, unless a split rule names another
    entity.
    """

    code: Code
    name: Text
    compliance: dict[str, Text] = {}
    delivery_entity: Code | None = omitted_at(None)
