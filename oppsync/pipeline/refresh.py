"""Re-read a deal that changed in the CRM. This is no stage: whoever holds the lease next does it first.

An approved deal is re-read once more before anything is made of it outside, so that what is made is right on
that day's facts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from oppsync.domain.deal.field_words import field_words
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.reading import FieldOfCrm
from oppsync.domain.deal.since_approval import ChangeSinceApproval, changes_since, line_named
from oppsync.domain.validation.table import validate
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding, blocking
from oppsync.domain.values.findings.reference_codes import REFERENCE_CODES
from oppsync.domain.values.findings.validation_codes import VALIDATION_CODES
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import Event, RecordMissing, RecordSuperseded, RecordUnchanged
from oppsync.domain.work.exceptions import BESIDE_THE_WORK, ExceptionItem, ExceptionStatus
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import RESTARTABLE, State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import RecordGone, TransientError, UnreadableDelivery
from oppsync.pipeline import split_workstreams
from oppsync.pipeline.replacing import is_before_its_first_mark
from oppsync.pipeline.restore_check import (
    LOST_BUT_CREATED,
    LOST_WHILE_PLANNED_ANEW,
    erp_answers,
    has_project_without_ledger_row,
)
from oppsync.pipeline.stage import Advance, Outcome, Park, StageContext
from oppsync.pipeline.validate import apply_reading, gather

STAGE = "refresh"
ACTOR = stage_actor(STAGE)
FieldAt = Callable[[str], FieldOfCrm]
CHANGED, EXHAUSTED = "CHANGED_AFTER_APPROVAL", "RETRIES_EXHAUSTED"
# What a reading that succeeds settles.
_OF_READING = frozenset({RecordGone.code, UnreadableDelivery.code})
# A missing record changes nothing for these: nothing more is created for them.
_OVER = frozenset({State.WITHDRAWN, State.REJECTED, State.COMPENSATING})


@dataclass(frozen=True)
class Known:
    """The facts about a deal besides its record. `may_exist`: something was made of it outside, or might have
    been; `begun`: the ledger says so, too. `of_earlier_plans`: all that exists is of plans that the approved
    one replaces. `items`: those that are open or that a person dismissed. `mended`: what had parked it was
    repaired."""

    may_exist: bool = False
    items: Sequence[ExceptionItem] = ()
    mended: bool = False
    begun: bool = False
    of_earlier_plans: bool = False

    @property
    def unmarked(self) -> bool:
        """Whether nothing of the approved plan was made, nor might have been."""
        return self.of_earlier_plans or not self.may_exist

    @property
    def reported(self) -> set[str]:
        return {item.code for item in self.items}

    @property
    def parked_by(self) -> Sequence[ExceptionItem]:
        open_items = [item for item in self.items if item.status is ExceptionStatus.OPEN]
        return [item for item in open_items if item.code not in BESIDE_THE_WORK]

    @property
    def waits_for_a_reading(self) -> bool:
        """Whether a parked deal waits for nothing else than that its record can be read."""
        of_reading = [item.stage == STAGE or item.code in _OF_READING for item in self.parked_by]
        return bool(of_reading) and all(of_reading)


def decide(
    opportunity: TrackedOpportunity, record: Opportunity, known: Known, field_at: FieldAt = field_words
) -> Outcome:
    """Decide what a new reading changes for an opportunity in this state.

    Unchanged (an echo of our own write-back): nothing. Before anything of its plan may exist outside: from the
    start again, or withdrawn when it is no longer won. Later the plan stands, and a person gets an item with
    what differs in the CRM, until nothing differs any more. While a deal is planned anew, until something of
    the new plan is made, it starts again too, whatever exists; lost, it waits for a person. A lost deal whose
    projects exist all the same, because a restored backup lost its ledger, is for a person too.
    """
    read = _reread(opportunity)
    before = opportunity.record
    if before is not None and record.modified_at < before.modified_at:
        return Advance(opportunity.state, read, events=[_superseded(opportunity, record)])
    reading, news = apply_reading(read, record, ACTOR)
    stands_at, is_new = opportunity.stands_at, bool(news)
    restarts = stands_at in RESTARTABLE or (stands_at is State.APPROVED and known.unmarked)
    events: Sequence[Event] = news or [_unchanged(opportunity, record)]
    if not record.is_won:
        return _lost(reading, events, known, is_new=is_new, restarts=restarts)
    if restarts and is_new:
        rejected = opportunity.state is State.REJECTED
        settled = {LOST_BUT_CREATED.code}
        return Advance(State.RECEIVED, reading, events=events, void_tasks=rejected, settled=settled)
    resumes = opportunity.state is State.PARKED and (known.waits_for_a_reading or known.mended)
    to = stands_at if resumes else opportunity.state
    settled = {LOST_BUT_CREATED.code, *_OF_READING}
    if restarts or stands_at in (State.REFUSED, State.COMPENSATING):
        return Advance(to, reading, events=events, settled=settled)
    approved = opportunity.approved_record or before or record
    differing = _since_approval(reading, approved)
    differences = differing.changes_since_approval
    must_report = differences != opportunity.changes_since_approval or CHANGED not in known.reported
    items = findings_of(differences, approved, record, field_at) if must_report else ()
    settled |= set() if differences else {CHANGED}
    return Advance(to, differing, events=events, items=items, settled=settled)


def _lost(
    reading: TrackedOpportunity, events: Sequence[Event], known: Known, *, is_new: bool, restarts: bool
) -> Outcome:
    """Withdraws the deal while nothing was created for it; afterwards an exception item reports the loss
    until a person dismisses it."""
    if reading.stands_at is State.COMPENSATING:
        return Advance(reading.state, reading, events=events)
    if restarts and known.begun:
        if reading.state is State.PARKED and LOST_WHILE_PLANNED_ANEW.code in known.reported:
            return Advance(reading.state, reading, events=events, settled=_OF_READING)
        return lost_while_planned_anew(reading, events)
    must_report = is_new or LOST_BUT_CREATED.code not in known.reported
    items = [LOST_BUT_CREATED] if must_report and (known.may_exist or not restarts) else []
    if restarts and is_new:
        return Advance(State.WITHDRAWN, reading, events=events, void_tasks=True, items=items)
    return Advance(reading.state, reading, events=events, items=items, settled=_OF_READING)


def lost_while_planned_anew(reading: TrackedOpportunity, events: Sequence[Event]) -> Park:
    """Leave what exists of the deal to a person: nothing more is created, and nobody is asked to approve it."""
    reference = record_reference(reading.id)
    return Park(reading, [LOST_WHILE_PLANNED_ANEW], reference, events=events, void_tasks=True)


def gone(opportunity: TrackedOpportunity, known: Known, message: str) -> Outcome:
    """The CRM no longer has the record: the deal is parked with one exception item until a person acts or the
    record is restored."""
    read = _reread(opportunity)
    missing = RecordMissing(opportunity_id=opportunity.id, actor=ACTOR, summary=message)
    is_reported = opportunity.state in (State.PARKED, State.ACTIVE) and RecordGone.code in known.reported
    if is_reported or opportunity.stands_at in _OVER:
        return Advance(opportunity.state, read, events=[missing])
    if known.may_exist:
        message = f"{message}, but projects of it may exist"
    item = finding(RecordGone.code, message)
    return Park(read, [item], record_reference(opportunity.id), events=[missing])


def findings_of(
    differences: Sequence[ChangeSinceApproval], approved: Opportunity, now: Opportunity, field_at: FieldAt
) -> Sequence[Finding]:
    """One finding a field: where it is, what was approved, and what the CRM says now."""
    found = []
    for each in differences:
        label = f"{field_at(each.field).label}{line_named(each.field, approved, now)}"
        value = " -> ".join(each.shown(approved, now))
        found.append(finding(CHANGED, each.in_words(approved, now, label), path=each.field, value=value))
    return tuple(found)


def run(context: StageContext) -> Outcome:
    opportunity = context.opportunity
    known = _known(context)
    try:
        crm = context.systems.crm(opportunity.connection_id)
        record = crm.read_opportunity(opportunity.source_id)
    except RecordGone as error:
        return gone(opportunity, known, error.message)
    if not record.is_won and not known.may_exist:
        exists_in_erp = has_project_without_ledger_row(context.uow, context.systems, opportunity)
        known = replace(known, may_exist=exists_in_erp)
    if opportunity.state is State.PARKED and record.is_won:
        known = replace(known, mended=_is_mended(context, record, known))
    return decide(opportunity, record, known, crm.field_at)


def _is_mended(context: StageContext, record: Opportunity, known: Known) -> bool:
    """Whether what parked a deal is repaired, as far as that can be found out without working it: the ERP that
    was away answers, no finding of its validation blocks any more, or its plan's systems know all it names."""
    codes = {item.code for item in known.parked_by}
    try:
        if codes == {EXHAUSTED}:
            return erp_answers(context.uow, context.systems, context.opportunity)
        if context.opportunity.stands_at is State.RECEIVED and codes and codes <= VALIDATION_CODES.keys():
            return not blocking(validate(record, gather(context.sources, record, context.opportunity)))
        if context.opportunity.stands_at is State.VALIDATED and codes and codes <= REFERENCE_CODES.keys():
            return split_workstreams.can_be_planned(context, record)
    except TransientError:
        return False
    return False


def nothing_marked(context: StageContext) -> bool:
    """Whether nothing of the approved plan was made outside so far, nor might have been."""
    return _known(context).unmarked


def _known(context: StageContext) -> Known:
    opportunity = context.opportunity
    with context.uow.reading() as uow:
        ledger = uow.ledger.of(opportunity.tenant_id, opportunity.id)
        items = uow.exceptions.reported(opportunity.tenant_id, opportunity.id)
    begun = any(row.may_exist for row in ledger)
    return Known(begun, items, begun=begun, of_earlier_plans=begun and is_before_its_first_mark(context))


def _reread(opportunity: TrackedOpportunity) -> TrackedOpportunity:
    return changed(opportunity, reread_done=opportunity.reread_requested)


def _since_approval(reading: TrackedOpportunity, approved: Opportunity) -> TrackedOpportunity:
    record = reading.record or approved
    return changed(reading, approved_record=approved, changes_since_approval=changes_since(approved, record))


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
