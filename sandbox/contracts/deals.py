"""Sound deals of the demo firm, and their plans: what the contract suites order.

Every builder takes changes by field name; the result is validated like anything that comes from outside.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from oppsync.domain.deal.billing_terms import BillingTerms, Cap, Deposit, Retainer
from oppsync.domain.deal.opportunity import (
    Account,
    BillingModelCode,
    ContractTerms,
    Milestone,
    Opportunity,
    OpportunityLine,
    Owner,
)
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.capabilities import PRICE_DECIMALS
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.planning.planning import make_plan
from oppsync.domain.planning.split import split
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.values.model import changed
from sandbox.firm.demo_firm import reference_rows

WON_ON = date(2026, 5, 4)


def account(**changes: Any) -> Account:
    return changed(
        Account(
            id="001A1",
            name="Globex GmbH",
            code="CUST-1001",
            country="DE",
            postal_code="80331",
            tax_id="DE136695976",
        ),
        **changes,
    )


def owner(**changes: Any) -> Owner:
    return changed(Owner(id="005U1", name="Sam Seller", email="sam.seller@acme.example"), **changes)


def time_line(**changes: Any) -> OpportunityLine:
    """100 hours of a Senior Consultant at 160, 10 % off: 14,400."""
    line = OpportunityLine(
        id="00kL1",
        product_name="Senior consulting",
        quantity=Decimal(100),
        unit="hour",
        unit_price=Decimal(160),
        discount_percent=Decimal(10),
        net=Decimal(14_400),
        service_line="Advisory",
        role="Senior Consultant",
        billing_model="time_and_materials",
    )
    return changed(line, **changes)


def fixed_line(**changes: Any) -> OpportunityLine:
    """A fixed fee of 10,000 over the deal's run."""
    line = OpportunityLine(
        id="00kL2",
        product_name="Cloud foundation",
        quantity=Decimal(1),
        unit_price=Decimal(10_000),
        net=Decimal(10_000),
        service_line="Cloud",
        planned_hours=Decimal(60),
        billing_model="fixed_fee",
    )
    return changed(line, **changes)


def milestone_line(**changes: Any) -> OpportunityLine:
    """20,000 in three milestones."""
    line = OpportunityLine(
        id="00kL3",
        product_name="Cloud migration",
        quantity=Decimal(2),
        unit_price=Decimal(10_000),
        net=Decimal(20_000),
        service_line="Cloud",
        billing_model="milestone",
        milestones=(
            Milestone(id="a00M1", name="Design", percent=Decimal(30), planned_on=date(2026, 6, 30)),
            Milestone(id="a00M2", name="Cut-over", percent=Decimal(50), planned_on=date(2026, 7, 31)),
            Milestone(id="a00M3", name="Handover", percent=Decimal(20), planned_on=date(2026, 8, 31)),
        ),
    )
    return changed(line, **changes)


def capped_line(**changes: Any) -> OpportunityLine:
    """The hours of `time_line`, up to 20,000."""
    capped = {"id": "00kL4", "billing_model": "time_and_materials_capped"}
    return time_line(**({**capped, "billing": BillingTerms(cap=Cap(amount=Decimal(20_000)))} | changes))


def progress_line(**changes: Any) -> OpportunityLine:
    """The fee and the planned hours of `fixed_line`, by percent complete."""
    return fixed_line(**({"id": "00kL5", "billing_model": "fixed_fee_progress"} | changes))


def deposit_line(**changes: Any) -> OpportunityLine:
    """The fee of `fixed_line`: 30 % at signing, 20 % in the end, the rest monthly."""
    terms = BillingTerms(deposit=Deposit(percent=Decimal(30), final_percent=Decimal(20)))
    return fixed_line(**({"id": "00kL6", "billing_model": "fixed_fee_deposit", "billing": terms} | changes))


def retainer_line(**changes: Any) -> OpportunityLine:
    """Three and a half months of 20 hours each, 14,000 in total."""
    line = OpportunityLine(
        id="00kL7",
        product_name="Advisory retainer",
        quantity=Decimal("3.5"),
        unit="month",
        unit_price=Decimal(4_000),
        net=Decimal(14_000),
        service_line="Advisory",
        billing_model="retainer",
        billing=BillingTerms(retainer=Retainer(hours=Decimal(20))),
    )
    return changed(line, **changes)


def recurring_line(**changes: Any) -> OpportunityLine:
    """Three and a half months of managed service, 7,000 in total."""
    line = OpportunityLine(
        id="00kL8",
        product_name="Managed cloud",
        quantity=Decimal("3.5"),
        unit="month",
        unit_price=Decimal(2_000),
        net=Decimal(7_000),
        service_line="Cloud",
        billing_model="recurring",
    )
    return changed(line, **changes)


def non_billable_line(**changes: Any) -> OpportunityLine:
    """Sixteen hours of onboarding, at the firm's own cost."""
    line = OpportunityLine(
        id="00kL9",
        product_name="Onboarding",
        quantity=Decimal(16),
        unit="hour",
        unit_price=Decimal(0),
        net=Decimal(0),
        service_line="Advisory",
        role="Consultant",
        billing_model="non_billable",
    )
    return changed(line, **changes)


# A line of each billing model.
LINES: dict[BillingModelCode, Callable[..., OpportunityLine]] = {
    BillingModelCode.TIME_AND_MATERIALS: time_line,
    BillingModelCode.TIME_AND_MATERIALS_CAPPED: capped_line,
    BillingModelCode.FIXED_FEE: fixed_line,
    BillingModelCode.FIXED_FEE_PROGRESS: progress_line,
    BillingModelCode.FIXED_FEE_DEPOSIT: deposit_line,
    BillingModelCode.MILESTONE: milestone_line,
    BillingModelCode.RETAINER: retainer_line,
    BillingModelCode.RECURRING: recurring_line,
    BillingModelCode.NON_BILLABLE: non_billable_line,
}


def credit(line: OpportunityLine, **changes: Any) -> OpportunityLine:
    """A line that takes `line` back: the same at the negative price."""
    return changed(line, **({"unit_price": -line.unit_price, "net": -line.net} | changes))


# A line of each billing model that can take money back; with hours and rates none can, as they cannot be
# negative.
CREDITS: dict[BillingModelCode, Callable[..., OpportunityLine]] = {
    code: line
    for code, line in LINES.items()
    if code
    not in {
        BillingModelCode.TIME_AND_MATERIALS,
        BillingModelCode.TIME_AND_MATERIALS_CAPPED,
        BillingModelCode.NON_BILLABLE,
    }
}


def opportunity(*lines: OpportunityLine, **changes: Any) -> Opportunity:
    """A sound deal won by ACME-DE in Germany; without `lines` it has hours, a fixed fee and milestones.

    Its amount is the sum of its lines unless it is given.
    """
    lines = lines or (time_line(), fixed_line(), milestone_line())
    deal = Opportunity(
        system="salesforce",
        id="006O1",
        version="2026-05-04T09:00:00Z",
        modified_at=datetime(2026, 5, 4, 9, 0, tzinfo=UTC),
        name="Globex goes to the cloud",
        stage="Closed Won",
        is_won=True,
        won_on=WON_ON,
        probability=Decimal(100),
        amount=sum((line.net for line in lines), start=Decimal(0)),
        currency="EUR",
        account=account(),
        owner=owner(),
        starts_on=date(2026, 6, 1),
        ends_on=date(2026, 9, 15),
        contract=ContractTerms(type="Standard", payment_terms="NET30"),
        contracting_entity="ACME-DE",
        region="DACH",
        delivery_model="Hybrid",
        lines=lines,
    )
    return changed(deal, **changes)


# The margin floor would warn about every deal without planned hours; a test about margins sets its own.
NO_FLOOR = frozenset({ReferenceKind.MARGIN_POLICY})


def book(*more: ReferenceRow, without: frozenset[ReferenceKind] = frozenset()) -> ReferenceBook:
    """The demo firm's reference data, without its margin floor and the kinds `without`. `rows` are added, in
    place of the firm's rows with the same keys."""
    left_out = NO_FLOOR | without
    replaced = {(row.kind, row.key) for row in more if row.valid_to is None}
    kept = [row for row in reference_rows() if row.kind not in left_out and (row.kind, row.key) not in replaced]
    return ReferenceBook([*kept, *more])


def enrichment(deal: Opportunity, reference: ReferenceBook | None = None) -> Enrichment:
    result = enrich(deal, reference or book())
    if not isinstance(result, Enrichment):
        raise ValueError(f"the demo firm cannot enrich this deal: {result}")
    return result


def content(
    deal: Opportunity, reference: ReferenceBook | None = None, price_decimals: int = PRICE_DECIMALS
) -> PlanContent:
    found = enrichment(deal, reference)
    return make_plan(deal, found, split(deal, found), price_decimals)
