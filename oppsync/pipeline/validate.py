"""Stage `validate`: is this deal sound, and does what it names exist? All findings at once."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from oppsync.domain.deal.changes import changes
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.systems import parent_values
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.validation.customers import BY_CODE, BY_LINK
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.validation.table import validate
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.findings.finding import blocking, warnings
from oppsync.domain.values.model import changed, require
from oppsync.domain.work.events import Event, RecordRead
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.customers import find_customer, link
from oppsync.pipeline.restore_check import LOST_BUT_CREATED, has_project_without_ledger_row
from oppsync.pipeline.stage import Advance, Outcome, Park, Sources, StageContext
from oppsync.pipeline.warn import tell_warnings

ACTOR = stage_actor("validate")


def decide(opportunity: TrackedOpportunity, facts: ValidationFacts, events: tuple[Event, ...] = ()) -> Outcome:
    """Pure: `validated`, or parked with everything that is wrong."""
    findings = validate(require(opportunity.record, "the record"), facts)
    warned = changed(opportunity, warnings=warnings(findings), customer=facts.customer.customer)
    if blocks := blocking(findings):
        every = (*blocks, *warned.warnings)
        return Park(warned, every, payload_reference=record_reference(opportunity.id), events=events)
    warnings_found = tell_warnings(opportunity, warned.warnings, opportunity.warnings, ACTOR)
    return Advance(State.VALIDATED, warned, events=(*events, *warnings_found))


def run(context: StageContext) -> Outcome:
    """Read the record anew, because the CRM owns it; one that is no longer won is withdrawn."""
    crm = context.systems.crm(context.opportunity.connection_id)
    record = crm.read_opportunity(context.opportunity.source_id)
    opportunity, events = apply_reading(context.opportunity, record, ACTOR)
    if not record.is_won:
        items = (
            [LOST_BUT_CREATED]
            if has_project_without_ledger_row(context.uow, context.systems, opportunity)
            else []
        )
        return Advance(State.WITHDRAWN, opportunity, events=events, items=items)
    facts = gather(context.sources, record)
    return decide(opportunity, facts, (*events, *_keep_match(context, opportunity, record, facts)))


def apply_reading(
    opportunity: TrackedOpportunity, record: Opportunity, actor: str
) -> tuple[TrackedOpportunity, tuple[RecordRead, ...]]:
    """The opportunity with this reading, and the event with what changed; no event when nothing did."""
    digest = record.content_digest()
    read = changed(opportunity, record=record, record_digest=digest)
    if digest == opportunity.record_digest:
        return read, ()
    before, after = changes(opportunity.record, record)
    event = RecordRead(
        opportunity_id=opportunity.id,
        actor=actor,
        before=before,
        after=after,
        detail={"version": record.version, "digest": digest},
        summary=f"read from the CRM: {', '.join(after)}" if before else "read from the CRM for the first time",
    )
    return read, (event,)


def gather(sources: Sources, record: Opportunity) -> ValidationFacts:
    """What the rules need of the reference data and of the ERP."""
    now = sources.clock.now()
    entity = _legal_entity(sources, record, record.won_on or now.date())
    _, erp = sources.systems.erp(sources.tenant_id, parent_values(record))
    customer = find_customer(sources, record, erp)
    terms = record.contract.payment_terms
    return ValidationFacts(
        legal_entity=entity,
        missing_in_erp=tuple(erp.missing_for(entity.erp_company)) if entity else (),
        erp=erp.capabilities,
        today=_local_date(now, entity),
        customer=customer,
        payment_terms_known=terms is None or erp.has_payment_terms(terms),
        books_open_until=erp.books_open_until(entity.erp_company) if entity else None,
    )


def _keep_match(
    context: StageContext, opportunity: TrackedOpportunity, record: Opportunity, facts: ValidationFacts
) -> tuple[Event, ...]:
    """Store a match as a cross-reference, which the next stages and later deals use."""
    customer, by = facts.customer.customer, facts.customer.by
    if customer is None or by in (BY_CODE, BY_LINK):
        return ()
    with context.uow() as uow:
        event = link(uow, opportunity, record, customer=customer.code, by=by, actor=ACTOR)
        uow.commit()
    return (event,)


def _legal_entity(sources: Sources, record: Opportunity, day: date) -> LegalEntity | None:
    if record.contracting_entity is None:
        return None
    found = sources.book().find(LegalEntity, ReferenceKind.LEGAL_ENTITY, record.contracting_entity, day)
    return found[0] if found else None


def _local_date(now: datetime, entity: LegalEntity | None) -> date:
    return now.astimezone(ZoneInfo(entity.time_zone)).date() if entity else now.date()
