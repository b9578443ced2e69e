"""A deal with one fault, and what such deals are made of."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from oppsync.domain.deal.billing_terms import (
    BillingTerms,
    Cap,
)
from oppsync.domain.deal.opportunity import (
    ContractTerms,
    Milestone,
    Opportunity,
    OpportunityLine,
)
from oppsync.domain.deal.unread import UnreadField
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.validation.other_deals import OtherDeal
from oppsync.domain.values.model import changed
from tests.harness import builders as make


class Case(NamedTuple):
    """A deal with one fault, and its one kind of finding. `said` is a part of its message."""

    name: str
    code: str
    path: str
    said: str
    deal: Opportunity
    facts: ValidationFacts = make.facts()


def milestones(*percents: str) -> tuple[Milestone, ...]:
    return tuple(
        Milestone(id=f"a00M{index}", name=f"Step {index}", percent=Decimal(percent))
        for index, percent in enumerate(percents)
    )


def first_planned_on(day: date, **changes: Any) -> OpportunityLine:
    """A line whose first milestone is planned for this day."""
    line = make.milestone_line(**changes)
    return changed(line, milestones=(changed(line.milestones[0], planned_on=day), *line.milestones[1:]))


def contract(**terms: Any) -> ContractTerms:
    return ContractTerms(payment_terms="NET30", po_number="PO-7", **terms)


def ordered(**terms: Any) -> Opportunity:
    return make.opportunity(contract=contract(**terms))


def other_deal(amount: int) -> OtherDeal:
    """Another deal with the same purchase order, approved."""
    record = changed(ordered(), id="006O9", name="Discovery", amount=Decimal(amount))
    return OtherDeal(id=UUID(int=9), record=record, amount=record.amount, is_committed=True)


UNSURE = make.opportunity(probability=90)


def capped(amount: str, **changes: Any) -> BillingTerms:
    return BillingTerms(cap=Cap(amount=Decimal(amount), **changes))


US = {"contracting_entity": "ACME-US", "region": "NA", "currency": "USD"}
FIELD = "FIELD_MISSING"
WEEKLY = UnreadField(
    pointer="/contract/billing_frequency", label="Billing Frequency", value="Weekly", allowed="Once or Monthly"
)
