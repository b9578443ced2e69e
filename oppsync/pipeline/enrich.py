"""Stage `enrich`: what reference data says about the deal on the day it was won."""

from __future__ import annotations

from collections.abc import Callable

from oppsync.domain.deal.field_words import field_words
from oppsync.domain.deal.reading import FieldOfCrm
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.planning.workstreams import is_about_planning
from oppsync.domain.reference.book import ReferenceBook
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.model import changed, require
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.stage import Advance, Outcome, Park, StageContext
from oppsync.pipeline.warn import tell_warnings

ACTOR = stage_actor("enrich")


def decide(
    opportunity: TrackedOpportunity,
    book: ReferenceBook,
    field_at: Callable[[str], FieldOfCrm] = field_words,
) -> Outcome:
    """Pure: `enriched`, or parked with every row that is missing."""
    customer = opportunity.customer.code if opportunity.customer else None
    result = enrich(require(opportunity.record, "the record"), book, customer, field_at)
    if not isinstance(result, Enrichment):
        return Park(opportunity, result, payload_reference=record_reference(opportunity.id))
    known = opportunity.enrichment.warnings if opportunity.enrichment else ()
    events = tell_warnings(opportunity, result.warnings, known, ACTOR)
    # The next stage finds these anew, and has to know which of them are on the timeline already.
    kept = tuple(each for each in known if is_about_planning(each))
    enrichment = changed(result, warnings=(*result.warnings, *kept)) if kept else result
    if opportunity.replaces is not None:
        enrichment = changed(enrichment, replaces=opportunity.replaces)
    return Advance(State.ENRICHED, changed(opportunity, enrichment=enrichment), events=events)


def run(context: StageContext) -> Outcome:
    crm = context.systems.crm(context.opportunity.connection_id)
    return decide(context.opportunity, context.sources.book(), crm.field_at)
