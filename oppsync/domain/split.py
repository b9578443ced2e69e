"""Split: one workstream per delivery line."""

from __future__ import annotations

from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.enrichment import Enrichment
from oppsync.domain.model import given
from oppsync.domain.money import Money
from oppsync.domain.opportunity import Opportunity, OpportunityLine, Unit
from oppsync.domain.workstream import Workstream


def split(opportunity: Opportunity, enrichment: Enrichment) -> tuple[Workstream, ...]:
    """The workstreams of a validated and enriched deal, by line id: the CRM's own order does not count."""
    lines = sorted(opportunity.lines, key=lambda line: line.id)
    return tuple(_workstream(opportunity, enrichment, line) for line in lines)


def _workstream(opportunity: Opportunity, enrichment: Enrichment, line: OpportunityLine) -> Workstream:
    model = BILLING_MODELS[given(opportunity.billing_model_of(line), "the billing model")]
    return Workstream(
        key=line.id,
        name=line.title,
        billing_model=model.code,
        amount=Money(amount=line.net, currency=given(opportunity.currency, "the currency")),
        hours=line.quantity if line.unit is Unit.HOUR else line.planned_hours,
        role=line.role,
        discount_percent=line.discount_percent,
        starts_on=given(opportunity.start_of(line), "the start date"),
        ends_on=given(opportunity.end_of(line), "the end date"),
        billing_frequency=opportunity.contract.billing_frequency,
        milestones=line.milestones,
        enrichment=enrichment.line(line.id),
    )
