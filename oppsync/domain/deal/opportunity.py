"""The canonical opportunity, version 1: what every CRM adapter translates its vendor's record into.

A field the CRM left empty is None here, not an error: what is missing becomes a finding of the `validate`
stage, together with all the others. Its JSON Schema is published by the API.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field

from oppsync.domain.deal.billing_terms import BillingFrequency, BillingTerms, PeriodBasis
from oppsync.domain.deal.countries import country_code
from oppsync.domain.deal.unread import UnreadField
from oppsync.domain.values.model import Code, Frozen, omitted_at
from oppsync.domain.values.typed import TypedNumber, TypedText
from oppsync.kernel import canonical_json


class BillingModelCode(StrEnum):
    """The billing models the canonical opportunity can carry."""

    TIME_AND_MATERIALS = "time_and_materials"
    TIME_AND_MATERIALS_CAPPED = "time_and_materials_capped"
    FIXED_FEE = "fixed_fee"
    FIXED_FEE_PROGRESS = "fixed_fee_progress"
    FIXED_FEE_DEPOSIT = "fixed_fee_deposit"
    MILESTONE = "milestone"
    RETAINER = "retainer"
    RECURRING = "recurring"
    NON_BILLABLE = "non_billable"


class Unit(StrEnum):
    HOUR = "hour"
    DAY = "day"
    UNIT = "unit"
    MONTH = "month"


# An amount as the CRM states it. One that does not fit its currency is a finding of validation, no error here.
StatedAmount = TypedNumber


# An ISO 3166 code; a country's name is read as its code where it arrives.
Country = Annotated[
    str,
    Field(pattern=r"^[A-Z]{2}$"),
    BeforeValidator(lambda stated: country_code(stated) if isinstance(stated, str) else stated),
]


class Account(Frozen):
    """The customer. `code` is its key in the ERP (the cross-reference the CRM carries), `subdivision` its
    state or province, as in ISO 3166-2 without the country: `TX`. Country, subdivision and `postal_code`
    decide its VAT area."""

    id: Code
    name: TypedText
    code: Code | None = None
    country: Country | None = None
    tax_id: Code | None = None
    subdivision: Code | None = omitted_at(None)
    postal_code: Code | None = omitted_at(None)
    po_required: bool = omitted_at(False)


class Owner(Frozen):
    """A user of the CRM who sold or requested the deal; matched with this system's people by id and by mailbox
    (`domain.approval.involved`)."""

    id: Code
    name: TypedText
    email: Code | None = None


class ContractTerms(Frozen):
    """`po_limit` is the most that the purchase order allows to be invoiced, in the deal's currency.

    `document_url` leads to the signed contract, `special_terms` are its clauses that people have to read.
    `place_of_supply` is where the service is taxed, where that is not the customer's country.
    """

    type: TypedText | None = None
    payment_terms: Code | None = None
    po_number: TypedText | None = None
    po_limit: StatedAmount | None = omitted_at(None)
    po_expires_on: date | None = omitted_at(None)
    signed_on: date | None = None
    billing_frequency: BillingFrequency = BillingFrequency.MONTHLY
    billing_periods: PeriodBasis | None = omitted_at(None)
    billing: BillingTerms = omitted_at(BillingTerms())
    place_of_supply: Country | None = omitted_at(None)
    document_url: TypedText | None = omitted_at(None)
    special_terms: TypedText | None = omitted_at(None)


class Milestone(Frozen):
    """`percent` of its line's net amount, due when accepted, planned for a date."""

    id: Code
    name: TypedText
    percent: TypedNumber
    planned_on: date | None = None


class OpportunityLine(Frozen):
    """One product sold: one delivery line. `discount_percent` of 10 means ten per cent off."""

    id: Code
    product_code: Code | None = None
    product_name: TypedText | None = None
    product_family: TypedText | None = None
    description: TypedText | None = None
    quantity: TypedNumber
    unit: Unit = Unit.UNIT
    unit_price: StatedAmount
    discount_percent: TypedNumber = Decimal(0)
    net: StatedAmount
    currency: Code | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    service_line: Code | None = None
    delivery_region: Code | None = None
    role: Code | None = None
    planned_hours: TypedNumber | None = None
    phase: Code | None = Field(default=None, exclude_if=lambda phase: phase is None)
    billing_model: Code | None = None
    milestones: tuple[Milestone, ...] = ()
    billing: BillingTerms = omitted_at(BillingTerms())

    @property
    def title(self) -> str:
        """What people call it: one line of at most 200 characters."""
        text = self.description or self.product_name or self.product_code or self.id
        return text.splitlines()[0][:200]

    @property
    def hours(self) -> Decimal | None:
        """The hours sold, for a line sold by the hour; otherwise the planned hours."""
        return self.quantity if self.unit is Unit.HOUR else self.planned_hours


class Opportunity(Frozen):
    """A deal. `billing_model`, `service_line` and dates of a line fall back to the opportunity's own, terms of
    billing to the contract's.

    `version` is the CRM's own (opaque, only compared for equality), `modified_at` orders two readings.
    `unread`: what somebody typed and no field takes. Validation says so; in its place stands a default.

    `created_by` requested it, `past_owners` are those whom the CRM's own history names. They belong to a
    reading and not to the document: who ever had a part in a deal is kept apart from it.
    """

    schema_version: Literal[1] = 1
    system: Code
    id: Code
    version: Code
    modified_at: AwareDatetime
    url: TypedText | None = None
    name: TypedText
    stage: TypedText
    is_won: bool
    won_on: date | None = None
    probability: TypedNumber | None = None
    amount: StatedAmount | None = None
    currency: Code | None = None
    account: Account | None = None
    owner: Owner | None = None
    created_by: Owner | None = Field(default=None, exclude=True)
    past_owners: tuple[Owner, ...] = Field(default=(), exclude=True)
    starts_on: date | None = None
    ends_on: date | None = None
    billing_model: Code | None = None
    contract: ContractTerms = ContractTerms()
    contracting_entity: Code | None = None
    region: Code | None = None
    service_line: Code | None = None
    delivery_model: Code | None = None
    lines: tuple[OpportunityLine, ...] = ()
    custom_attributes: dict[TypedText, TypedText] = Field(default_factory=dict)
    unread: tuple[UnreadField, ...] = omitted_at(())

    def content_digest(self) -> str:
        """Digest of the fields that matter to a plan; an echo of our own write-back leaves it unchanged."""
        return canonical_json.digest(self.model_dump(mode="json", exclude={"version", "modified_at"}))

    def billing_model_of(self, line: OpportunityLine) -> str | None:
        return line.billing_model or self.billing_model

    def service_line_of(self, line: OpportunityLine) -> str | None:
        return line.service_line or self.service_line

    def region_of(self, line: OpportunityLine) -> str | None:
        return line.delivery_region or self.region

    def billing_of(self, line: OpportunityLine) -> BillingTerms:
        """The line's own terms of billing, and the contract's for what it leaves open."""
        contract = self.contract
        widest = BillingTerms(frequency=contract.billing_frequency, periods=contract.billing_periods)
        return line.billing.over(contract.billing.over(widest))

    def start_of(self, line: OpportunityLine) -> date | None:
        return line.starts_on or self.starts_on

    def end_of(self, line: OpportunityLine) -> date | None:
        return line.ends_on or self.ends_on


class OpportunityRef(Frozen):
    """A record that a delivery reports as changed; its content has to be read from the CRM."""

    id: Code
    version: Code | None = None
    modified_at: datetime | None = None
