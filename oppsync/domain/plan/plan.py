"""The plan: the exact tree of projects, fields and billing lines that will exist in the ERP.

People approve `Plan.hash`, the SHA-256 of the canonical form of `content`; `provenance` says where it came
from and is not part of what is approved. What is applied is the stored content, never recomputed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field

from oppsync.domain.deal.billing_terms import BillingTerms
from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.plan.conversion import Conversion
from oppsync.domain.plan.overrides import OverrideUse
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.reference.book import ReferenceUse
from oppsync.domain.reference.rates import TransferPrice
from oppsync.domain.reference.tax import TaxKind
from oppsync.domain.values.model import Code, Frozen, Quantity, Text, omitted_at
from oppsync.domain.values.money import Currency, Money, Rounding
from oppsync.kernel import canonical_json

ROOT_PATH = "project"


class LineKind(StrEnum):
    """The closed set of billing line kinds that billing models emit and ERP adapters land."""

    TIME = "time"  # hours of a role at a rate, invoiced from approved time
    DATED = "dated"  # an amount due on a date
    MILESTONE = "milestone"  # an amount due on acceptance
    PROGRESS = "progress"  # an amount earned by percent complete


class NodeKind(StrEnum):
    PROJECT = "project"  # the root
    WORKSTREAM = "workstream"  # a child project
    TASK = "task"  # a template's task


class BillingLine(Frozen):
    """One line of a billing schedule. `path` is unique in the plan and made of CRM ids, never of an index.

    `amount` of a time line is its estimate: hours x rate. `due_on` is the planned invoice date, where one is.
    `hours` of a dated line are those a retainer includes in its period.
    """

    path: Code
    kind: LineKind
    description: Text
    amount: Money
    due_on: date | None = None
    hours: Quantity | None = None
    rate: Quantity | None = None
    role: Code | None = None
    period_starts_on: date | None = omitted_at(None)
    period_ends_on: date | None = omitted_at(None)


class StaffingRequest(Frozen):
    """Somebody the PSA is asked for: a role for some hours of a run, in a location. `path` is unique."""

    path: Code
    role: Code
    location: Code
    hours: Quantity
    starts_on: date
    ends_on: date


class Intercompany(Frozen):
    """Another entity of ours than the contracting one does the work, and is owed the transfer price for it.

    The node's own cost centre is the delivering entity's; what is invoiced to the customer is booked on
    `revenue_cost_centre`, the contracting entity's.
    """

    delivery_entity: Code
    erp_company: Code
    transfer_price: TransferPrice
    revenue_cost_centre: Code


class RateCardUse(Frozen):
    """The rate card that hours were sold by."""

    card: Code
    version: Code


class RevenueLine(Frozen):
    """What is planned to be recognised in one calendar month: `2026-06`."""

    period: Code
    amount: Money


class RevenueSchedule(Frozen):
    """Of one performance obligation, named by its workstream's key. The lines sum to `price`, its part of the
    deal's price: with a discount that is spread, that may be another than the workstream's amount."""

    obligation: Code
    method: RevenueMethod
    price: Money
    lines: tuple[RevenueLine, ...]


class PlanNode(Frozen):
    """One project, workstream or task. A deal with one workstream has it at the root.

    A parent of workstreams carries no billing model and no lines; `amount` is the sum of what is below, as
    is `cost` where all of it is known. Tasks carry neither money nor billing. `terms` are those the billing
    model goes by, `number` the one wanted by the template's numbering. `time_entry`: whether people may book
    time at once, None leaves it to the ERP.
    """

    path: Code
    parent: Code | None = None
    kind: NodeKind
    name: Text
    billing_model: BillingModelCode | None = None
    amount: Money
    hours: Quantity | None = None
    starts_on: date
    ends_on: date
    service_line: Code | None = None
    cost_centre: Code | None = None
    template: Code | None = None
    intercompany: Intercompany | None = omitted_at(None)
    lines: tuple[BillingLine, ...] = ()
    terms: BillingTerms = omitted_at(BillingTerms())
    cost: Money | None = omitted_at(None)
    margin_percent: Quantity | None = omitted_at(None)
    rate_card: RateCardUse | None = omitted_at(None)
    number: Text | None = omitted_at(None)
    role: Code | None = omitted_at(None)
    time_entry: bool | None = omitted_at(None)
    staffing: tuple[StaffingRequest, ...] = omitted_at(())
    revenue: RevenueSchedule | None = omitted_at(None)

    @property
    def revenue_cost_centre(self) -> str | None:
        """Where what is invoiced to the customer is booked."""
        return self.intercompany.revenue_cost_centre if self.intercompany else self.cost_centre


class WithheldTax(Frozen):
    """What the customer keeps back of the invoices and pays to its own tax office: shown, not deducted."""

    percent: Quantity
    amount: Money
    reason: Text


class NewCustomer(Frozen):
    """The customer as it is created in the ERP, should it not be there: the entity's policy allows it."""

    code: Code
    name: Text
    country: Code
    tax_id: Code | None = omitted_at(None)


class ContractFacts(Frozen):
    """What the contract says besides money, as the CRM has it; nothing of it is keyed in again."""

    signed_on: date | None = omitted_at(None)
    document_url: Text | None = omitted_at(None)
    special_terms: Text | None = omitted_at(None)


class PlanContent(Frozen):
    """All that will exist. `nodes`: parents stand before their children."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal[1] = Field(default=1, alias="schema")
    record_id: Code
    name: Text
    customer: Code
    customer_name: Text
    legal_entity: Code
    erp_company: Code
    entity_currency: Currency
    currency: Currency
    total: Money
    tax: Code
    tax_percent: Quantity
    tax_reason: Text
    tax_rounding: Rounding = omitted_at(Rounding.HALF_EVEN)
    tax_kind: TaxKind | None = omitted_at(None)
    withholding: WithheldTax | None = omitted_at(None)
    conversions: tuple[Conversion, ...] = omitted_at(())
    payment_terms: Code
    po_number: Text | None = None
    po_limit: Money | None = omitted_at(None)
    po_expires_on: date | None = omitted_at(None)
    contract: ContractFacts = omitted_at(ContractFacts())
    new_customer: NewCustomer | None = omitted_at(None)
    delivery_model: Code | None = None
    compliance: dict[str, Text] = Field(default_factory=dict)
    nodes: tuple[PlanNode, ...]

    def document(self) -> dict[str, object]:
        """The JSON-ready document that is hashed, stored and shown."""
        return self.model_dump(mode="json", by_alias=True)

    def node(self, path: str) -> PlanNode:
        return next(node for node in self.nodes if node.path == path)

    def tax_on(self, line: BillingLine) -> Money:
        """The tax of one billing line, rounded once, here: what the ERP will compute on its invoice."""
        exact = line.amount.amount * self.tax_percent / 100
        return Money.rounded(exact, self.currency, self.tax_rounding)

    def staffing(self) -> Iterator[StaffingRequest]:
        return (asked for node in self.nodes for asked in node.staffing)

    def revenue_schedules(self) -> Iterator[RevenueSchedule]:
        return (node.revenue for node in self.nodes if node.revenue is not None)

    def billing_lines(self) -> Iterator[tuple[PlanNode, BillingLine]]:
        return ((node, line) for node in self.nodes for line in node.lines)


class Origin(Frozen):
    """Where some values of a plan came from. `rule` is a name in `oppsync.domain.planning.origin_table`.

    `fields`: JSON pointers into the CRM's record of the provenance's version. `places`: JSON pointers into the
    plan's content, each for all that is below it. `overrides`: those that the value is, or rests on.
    """

    rule: Code
    fields: tuple[Code, ...] = ()
    rows: tuple[ReferenceUse, ...] = ()
    places: tuple[Code, ...] = ()
    overrides: tuple[OverrideUse, ...] = omitted_at(())


class Provenance(Frozen):
    """Where a plan came from: the reading of the CRM record, the reference rows used, and of each value which.

    Plans of releases before `origins` have none.
    """

    made_at: AwareDatetime
    source_version: Code
    record_digest: Code
    reference: tuple[ReferenceUse, ...]
    origins: tuple[Origin, ...] = Field(default=(), exclude_if=lambda origins: not origins)
    overrides: tuple[OverrideUse, ...] = omitted_at(())


class Plan(Frozen):
    """`systems` stand with the plan and are no part of its hash; a plan of releases before them has none."""

    content: PlanContent
    provenance: Provenance
    systems: PlanSystems | None = omitted_at(None)

    @property
    def hash(self) -> str:
        return plan_hash(self.content)


def plan_hash(content: PlanContent) -> str:
    """SHA-256 of the RFC 8785 form, in hex."""
    return canonical_json.digest(content.document())


def short_hash(full: str) -> str:
    """What people compare by eye: `9F2C 41A7`."""
    return f"{full[:4]} {full[4:8]}".upper()
