"""The re-read of a deal that changed in the CRM. Not a stage: whoever next holds the lease does it first."""

from __future__ import annotations

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import RecordSuperseded, RecordUnchanged
from oppsync.domain.work.states import RESTARTABLE, State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.restore_check import STILL_THERE, exists_unknown
from oppsync.pipeline.stage import Advance, StageContext
from oppsync.pipeline.validate import take_in

ACTOR = "stage:refresh"


def decide(
    opportunity: TrackedOpportunity, record: Opportunity, *, may_exist_outside: bool, is_told: bool
) -> Advance:
    """What a new reading means for an opportunity in this state.

    Unchanged (an echo of our own write-back): nothing. Before approval: from the start again, or withdrawn
    when it is no longer won. From approval on the change is kept on the timeline and the plan in flight
    stands; lost before anything was sent it is withdrawn, later a person has to decide. What was lost and
    exists outside all the same, forgotten by a restored backup, is for a person too. `is_told`: a person sees
    that it is lost and exists, or has decided about it; otherwise that is told again.
    """
    read = changed(opportunity, reread_done=opportunity.reread_requested)
    known = opportunity.record
    if known is not None and record.modified_at < known.modified_at:
        return Advance(opportunity.state, read, events=[_superseded(opportunity, record)])
    taken, events = take_in(read, record, ACTOR)
    resumes_at = opportunity.resume_state if opportunity.state is State.PARKED else opportunity.state
    if not events:
        untold = may_exist_outside and not (record.is_won or is_told or resumes_at is State.COMPENSATING)
        again = (STILL_THERE,) if untold else ()
        return Advance(opportunity.state, taken, events=[_unchanged(opportunity, record)], items=again)
    restartable = resumes_at in RESTARTABLE
    if record.is_won and restartable:
        rejected = opportunity.state is State.REJECTED
        return Advance(State.RECEIVED, taken, events=events, void_tasks=rejected)
    if record.is_won or resumes_at is State.COMPENSATING:
        return Advance(opportunity.state, taken, events=events)
    items = [STILL_THERE] if may_exist_outside else []
    if restartable or (resumes_at is State.APPROVED and not may_exist_outside):
        return Advance(State.WITHDRAWN, taken, events=events, void_tasks=True, items=items)
    return Advance(opportunity.state, taken, events=events, items=[STILL_THERE])


def run(context: StageContext) -> Advance:
    opportunity = context.opportunity
    crm = context.systems.crm(opportunity.connection_id)
    record = crm.read_opportunity(opportunity.source_id)
    with context.uow.reading() as uow:
        ledger = uow.ledger.of(opportunity.tenant_id, opportunity.id)
        is_told = uow.exceptions.stands(opportunity.tenant_id, opportunity.id, STILL_THERE.code)
    may_exist = any(row.may_exist for row in ledger)
    if not record.is_won and not may_exist:
        may_exist = exists_unknown(context.uow, context.systems, opportunity)
    return decide(opportunity, record, may_exist_outside=may_exist, is_told=is_told)


def _unchanged(opportunity: TrackedOpportunity, record: Opportunity) -> RecordUnchanged:
    return RecordUnchanged(
        opportunity_id=opportunity.id,
        actor=ACTOR,
        detail={"version": record.version},
        summary="read from the CRM again: no change",
    )


def _superseded(opportunity: TrackedOpportunity, record: Opportunity) -> RecordSuperseded:
    return RecordSuperseded(
        opportunity_id=opportunity.id,
        actor=ACTOR,
        detail={"version": record.version, "modified_at": record.modified_at.isoformat()},
        summary="read from the CRM again: older than what is known",
    )
