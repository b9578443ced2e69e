"""A deal beside the others as they are now: judged again whenever people are asked to approve it, and whenever
what they approved is relied on."""

from __future__ import annotations

from oppsync.domain.billing.terms import with_periods
from oppsync.domain.validation.across_deals import ACROSS_DEALS, findings_across
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.findings.finding import blocking, warnings
from oppsync.domain.values.model import changed, require
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.stage import Park, StageContext
from oppsync.pipeline.validate import other_deals
from oppsync.pipeline.warn import tell_warnings


def beside_other_deals(context: StageContext) -> TrackedOpportunity | Park:
    """The deal with its warnings beside other deals as they are now; parked where they leave no room for it. Of
    deals that wait together, or are worked at once, each may have missed the other.

    A replay begins where a plan is put before people, and decisions that were made stand. Until then the deal
    does not count as approved, so two deals that stop each other do not stay so.
    """
    before = context.opportunity
    record, customer = require(before.record, "the record"), before.customer
    others = other_deals(context.sources, record, before)
    policy = require(before.enrichment, "the enrichment").legal_entity.billing_policy
    judged = with_periods(record, policy)
    found = tuple(findings_across(judged, customer.code if customer else None, others))
    kept = [each for each in before.warnings if each.code not in ACROSS_DEALS]
    opportunity = changed(before, warnings=(*kept, *warnings(found)))
    if blocks := blocking(found):
        told = tell_warnings(opportunity, opportunity.warnings, before.warnings, stage_actor(context.stage))
        every = (*blocks, *opportunity.warnings)
        return Park(opportunity, every, record_reference(before.id), events=told, resume=State.PLANNED)
    return opportunity
