"""Re-read a deal that changed in the CRM. This is no stage: whoever holds the lease next does it first."""

from __future__ import annotations

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import RecordSuperseded, RecordUnchanged
from oppsync.domain.work.states import RESTARTABLE, State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.restore_check import LOST_BUT_CREATED, has_project_without_ledger_row
from oppsync.pipeline.stage import Advance, StageContext
from oppsync.pipeline.validate import apply_reading

ACTOR = stage_actor("refresh")


def decide(
    opportunity: TrackedOpportunity, record: Opportunity, *, may_exist_outside: bool, already_reported: bool
) -> Advance:
    """What a new reading means for an opportunity in this state.

    Unchanged (an echo of our own write-back): nothing. Before approval: from the start again, or withdrawn
    when it is no longer won. From approval on the change is kept on the timeline and the plan in flight
    stands; a deal that was lost before anything was sent is withdrawn, later a person has to decide. A lost
    deal whose projects exist all the same, because a restored backup lost its ledger, is for a person too.
    `already_reported`: an item about that is open, or a person dismissed it; otherwise an item is raised
    again.
    """
    read = changed(opportunity, reread_done=opportunity.reread_requested)
    known = opportunity.record
    if known is not None and record.modified_at < known.modified_at:
        return Advance(opportunity.state, read, events=[_superseded(opportunity, record)])
    reading, events = apply_reading(read, record, ACTOR)
    stands_at = opportunity.stands_at
    if not events:
        settled = record.is_won or already_reported or stands_at is State.COMPENSATING
        again = (LOST_BUT_CREATED,) if may_exist_outside and not settled else ()
        return Advance(opportunity.state, reading, events=[_unchanged(opportunity, record)], items=again)
    restartable = stands_at in RESTARTABLE
    if record.is_won and restartable:
        rejected = opportunity.state is State.REJECTED
        return Advance(State.RECEIVED, reading, events=events, void_tasks=rejected)
    if record.is_won or stands_at is State.COMPENSATING:
        return Advance(opportunity.state, reading, events=events)
    items = [LOST_BUT_CREATED] if may_exist_outside else []
    if restartable or (stands_at is State.APPROVED and not may_exist_outside):
        return Advance(State.WITHDRAWN, reading, events=events, void_tasks=True, items=items)
    return Advance(opportunity.state, reading, events=events, items=[LOST_BUT_CREATED])


def run(context: StageContext) -> Advance:
    opportunity = context.opportunity
    crm = context.systems.crm(opportunity.connection_id)
    record = crm.read_opportunity(opportunity.source_id)
    with context.uow.reading() as uow:
        ledger = uow.ledger.of(opportunity.tenant_id, opportunity.id)
        already_reported = uow.exceptions.already_reported(
            opportunity.tenant_id, opportunity.id, LOST_BUT_CREATED.code
        )
    may_exist = any(row.may_exist for row in ledger)
    if not record.is_won and not may_exist:
        may_exist = has_project_without_ledger_row(context.uow, context.systems, opportunity)
    return decide(opportunity, record, may_exist_outside=may_exist, already_reported=already_reported)


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
