"""Stage `enrich`: what reference data says about the deal on the day it was won."""

from __future__ import annotations

from collections.abc import Sequence

from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.reference.book import ReferenceBook
from oppsync.domain.values.model import changed, require
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.stage import Advance, Outcome, Park, StageContext
from oppsync.pipeline.warn import tell_warnings

ACTOR = "stage:enrich"


def decide(
    opportunity: TrackedOpportunity, book: ReferenceBook, overrides: Sequence[PlanOverride] = ()
) -> Outcome:
    """Pure: `enriched`, or parked with every row that is missing."""
    result = enrich(require(opportunity.record, "the record"), book, overrides)
    if isinstance(result, Enrichment):
        known = opportunity.enrichment.warnings if opportunity.enrichment else ()
        told = tell_warnings(opportunity, result.warnings, known, ACTOR)
        return Advance(State.ENRICHED, changed(opportunity, enrichment=result), events=told)
    return Park(opportunity, result, payload_reference=f"record:{opportunity.id}")


def run(context: StageContext) -> Outcome:
    opportunity = context.opportunity
    overrides: Sequence[PlanOverride] = ()
    if opportunity.enrichment is not None:  # nobody overrides what was never split
        with context.uow.reading() as uow:
            overrides = uow.overrides.of(opportunity.tenant_id, opportunity.id)
    return decide(opportunity, context.sources.book(), overrides)
