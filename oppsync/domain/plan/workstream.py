"""A workstream: what delivery lines become when the deal is split."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from oppsync.domain.deal.billing_terms import BillingTerms, PeriodBasis
from oppsync.domain.deal.opportunity import BillingModelCode, Milestone
from oppsync.domain.plan.capabilities import PRICE_DECIMALS
from oppsync.domain.plan.enrichment import LineEnrichment
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.values.keys import MadeCode
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.values.money import Money


class Workstream(Frozen):
    """`hours` are the hours sold (time and materials) or planned, `cost` is theirs. `key` is the CRM's line
    id, or the split rule's code with the values of its group; `line_ids` are the CRM's lines it is made of.

    `parts`: lines of a group whose terms differ, each billed by itself. The workstream then has their sums,
    runs from the first start to the last end, and has the terms and enrichment of the first. `seller` is the
    entity that contracts and invoices: its policies and its calendar apply. `list_price` is the price before
    any discount: what the workstream would sell for alone. `price_decimals`: how many decimals of an hourly
    price the ERP keeps.

    `amount` is what may be invoiced. `estimate` is what was sold where that is more than a cap allows, and
    `rounding` the part of it that makes the lines sum to what was signed.
    """

    key: MadeCode
    line_ids: tuple[Code, ...]
    name: Text
    billing_model: BillingModelCode
    amount: Money
    estimate: Money | None = None
    rounding: Money | None = None
    list_price: Decimal
    is_discounted: bool = False
    hours: Decimal | None = None
    cost: Money | None = None
    role: Code | None = None
    discount_percent: Decimal = Decimal(0)
    starts_on: date
    ends_on: date
    signed_on: date | None = None
    terms: BillingTerms
    seller: LegalEntity
    milestones: tuple[Milestone, ...] = ()
    enrichment: LineEnrichment
    parts: tuple[Workstream, ...] = ()
    called: Text | None = None
    price_decimals: int = PRICE_DECIMALS

    @property
    def period_basis(self) -> PeriodBasis:
        """As the terms say, or else the policy of the entity that invoices."""
        return self.terms.periods or self.seller.billing_policy.period_basis

    @property
    def sold(self) -> Money:
        return self.estimate or self.amount

    @property
    def is_credit(self) -> bool:
        """Whether it gives money back. A credit is planned by the same rules as a charge, and mirrored."""
        return self.amount.amount < 0
