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

from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.deal.billing_terms import BillingTerms
from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, RequiredApproval
from oppsync.domain.plan.conversion import Conversion
from oppsync.domain.plan.limits import Limit
from oppsync.domain.plan.overrides import OverrideUse
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.reference.book import ReferenceUse
from oppsync.domain.reference.rates import TransferPrice
from oppsync.domain.reference.tax import TaxKind
from oppsync.domain.values.keys import MadeCode
from oppsync.domain.values.model import Code, Frozen, Quantity, Text, omitted_at
from oppsync.domain.values.money import Currency, Money, Rounding
from oppsync.kernel import canonical_json

ROOT_PATH = "project"


class LineKind(StrEnum):
    """The closed set of billing line kinds that billing models make and ERP adapters create."""

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

    `amount` of a time line is its estimate: hours x rate. Where that is more than a cap allows, `amount` is
    what may be invoiced and `estimate` is all of it. `due_on` is the planned invoice date, where one is.
    `hours` of a dated line are those a retainer includes in its period.
    """

    path: MadeCode
    kind: LineKind
    description: Text
    amount: Money
    due_on: date | None = None
    hours: Quantity | None = None
    rate: Quantity | None = None
    role: Code | None = None
    period_starts_on: date | None = omitted_at(None)
    period_ends_on: date | None = omitted_at(None)
    estimate: Money | None = omitted_at(None)

    @property
    def beyond_cap(self) -> Money:
        """What was sold and is not billable."""
        return (self.estimate or self.amount) - self.amount


class StaffingRequest(Frozen):
    """A request to the PSA: a role for some hours between two days, in a location. `path` is unique."""

    path: MadeCode
    role: Code
    location: Code
    hours: Quantity
    starts_on: date
    ends_on: date


class Intercompany(Frozen):
    """The work is done by another entity of ours than the contracting one, which owes it the transfer price.

    The node's own cost centre is the delivering entity's; what is invoiced to the customer is booked on
    `revenue_cost_centre`, the contracting entity's.
    """

    delivery_entity: Code
    erp_company: Code
    transfer_price: TransferPrice
    revenue_cost_centre: Code


class RateCardUse(Frozen):
    """The rate card by which hours were sold."""

    card: Code
    version: Code


class RevenueLine(Frozen):
    """The revenue planned for one calendar month: `2026-06`."""

    period: Code
    amount: Money


class RevenueSchedule(Frozen):
    """The schedule of one performance obligation, named by its workstream's key. The lines sum to `price`, its
    share of the deal's price. Where a discount is spread, that may differ from the workstream's amount."""

    obligation: MadeCode
    method: RevenueMethod
    price: Money
    lines: tuple[RevenueLine, ...]


class PlanNode(Frozen):
    """One project, workstream or task. A deal with one workstream has it at the root.

    A parent of workstreams carries no billing model and no lines; `amount` is the sum of its children's, and
    so is `cost` where all of it is known. Tasks carry neither money nor billing. `terms` are those that the
    billing model uses, `number` follows the template's numbering. `time_entry`: whether people may book time
    at once; None leaves it to the ERP. `estimate` is what was sold where that is more than caps allow;
    `rounding` is the part of it by which the CRM's lines miss the amount that was signed.
    """

    path: MadeCode
    parent: MadeCode | None = None
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
    estimate: Money | None = omitted_at(None)
    rounding: Money | None = omitted_at(None)

    @property
    def sold(self) -> Money:
        return self.estimate or self.amount

    @property
    def beyond_cap(self) -> Money:
        """What was sold and is not billable."""
        return self.sold - self.amount

    @property
    def revenue_cost_centre(self) -> str | None:
        """The cost centre on which invoices to the customer are booked."""
        return self.intercompany.revenue_cost_centre if self.intercompany else self.cost_centre


class WithheldTax(Frozen):
    """Tax that the customer keeps back from invoices and pays to its own tax office: shown, not deducted."""

    percent: Quantity
    amount: Money
    reason: Text


class NewCustomer(Frozen):
    """The customer to create in the ERP when the ERP lacks it, where the entity's policy allows that."""

    code: Code
    name: Text
    country: Code
    tax_id: Code | None = omitted_at(None)


class ContractFacts(Frozen):
    """Facts of the contract besides money, as the CRM has them; nobody types them in again."""

    signed_on: date | None = omitted_at(None)
    document_url: Text | None = omitted_at(None)
    special_terms: Text | None = omitted_at(None)


class PlanContent(Frozen):
    """All that will exist in the ERP. In `nodes`, parents come before their children.

    `customer_name` is the CRM's; `erp_customer` is the customer as the ERP had it when the deal was validated.
    `total` is what may be invoiced: the deal's amount less what is beyond caps. `approvals`: who has to
    approve it where that is not finance and delivery, one each, side by side.
    """

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
    erp_customer: ErpCustomer | None = omitted_at(None)
    delivery_model: Code | None = None
    compliance: dict[str, Text] = Field(default_factory=dict)
    approvals: tuple[RequiredApproval, ...] = omitted_at(())
    nodes: tuple[PlanNode, ...]

    @property
    def required(self) -> tuple[RequiredApproval, ...]:
        """Who has to approve it."""
        return self.approvals or DEFAULT_APPROVALS

    def document(self) -> dict[str, object]:
        """The JSON-ready document that is hashed, stored and shown."""
        return self.model_dump(mode="json", by_alias=True)

    def node(self, path: str) -> PlanNode:
        return next(node for node in self.nodes if node.path == path)

    def tax_on(self, line: BillingLine) -> Money:
        """The tax of one billing line, rounded once: the same amount as the ERP will put on its invoice."""
        exact = line.amount.amount * self.tax_percent / 100
        return Money.rounded(exact, self.currency, self.tax_rounding)

    def limits(self) -> tuple[Limit, ...]:
        """The limits that the contract sets to its invoices."""
        terms = [node.terms for node in self.nodes]
        stated = {
            Limit.CAP: any(each.cap is not None for each in terms),
            Limit.PO_LIMIT: self.po_limit is not None,
            Limit.PO_EXPIRY: self.po_expires_on is not None,
            Limit.INCLUDED_HOURS: any(each.retainer is not None for each in terms),
        }
        return tuple(limit for limit in Limit if stated[limit])

    def staffing(self) -> Iterator[StaffingRequest]:
        return (asked for node in self.nodes for asked in node.staffing)

    def revenue_schedules(self) -> Iterator[RevenueSchedule]:
        return (node.revenue for node in self.nodes if node.revenue is not None)

    def billing_lines(self) -> Iterator[tuple[PlanNode, BillingLine]]:
        return ((node, line) for node in self.nodes for line in node.lines)


class Origin(Frozen):
    """Where some values of a plan came from. `rule` is a name in `oppsync.domain.planning.origin_table`.

    `fields`: JSON pointers into the CRM's record of the provenance's version. `places`: JSON pointers into the
    plan's content, each standing for everything below it too. `overrides`: those that set the value, or that
    it is made from.
    """

    rule: Code
    fields: tuple[Code, ...] = ()
    rows: tuple[ReferenceUse, ...] = ()
    places: tuple[Code, ...] = ()
    overrides: tuple[OverrideUse, ...] = omitted_at(())


class Provenance(Frozen):
    """Where a plan came from: the reading of the CRM record, the reference rows used, and each value's origin.

    Plans of releases before `origins` have none.
    """

    made_at: AwareDatetime
    source_version: Code
    record_digest: Code
    reference: tuple[ReferenceUse, ...]
    origins: tuple[Origin, ...] = Field(default=(), exclude_if=lambda origins: not origins)
    overrides: tuple[OverrideUse, ...] = omitted_at(())


class Plan(Frozen):
    """`systems` and `configuration` are stored with the plan and are no part of its hash; plans of earlier
    releases have none. `configuration`: by which the plan with this hash was last made."""

    content: PlanContent
    provenance: Provenance
    systems: PlanSystems | None = omitted_at(None)
    configuration: ConfigurationUse | None = omitted_at(None)

    @property
    def hash(self) -> str:
        return plan_hash(self.content)


def plan_hash(content: PlanContent) -> str:
    """SHA-256 of the RFC 8785 form, in hex."""
    return canonical_json.digest(content.document())


def short_hash(full: str) -> str:
    """Shorten a hash to what people compare by eye: `9F2C 41A7`."""
    return f"{full[:4]} {full[4:8]}".upper()
