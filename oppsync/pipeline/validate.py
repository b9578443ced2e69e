"""Stage `validate`: is this deal sound, and does what it names exist? All findings at once."""

from __future__ import annotations

from datetime import date, datetime

from oppsync.domain.deal.changes import changes
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.reading import FieldOfCrm
from oppsync.domain.plan.systems import parent_values
from oppsync.domain.policy.firm_rules import firm_rules
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.validation.close_date import begins_later, in_words
from oppsync.domain.validation.customers import BY_CODE, BY_LINK
from oppsync.domain.validation.erp_facts import erp_facts_of
from oppsync.domain.validation.facts import NAMED, ValidationFacts
from oppsync.domain.validation.other_deals import OtherDeal
from oppsync.domain.validation.table import validate
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.findings.finding import blocking, warnings
from oppsync.domain.values.model import changed, require
from oppsync.domain.work.events import Event, MomentAwaited, RecordRead
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.customers import find_customer, link
from oppsync.pipeline.replacing import has_begun
from oppsync.pipeline.restore_check import (
    LOST_BUT_CREATED,
    LOST_WHILE_PLANNED_ANEW,
    has_project_without_ledger_row,
)
from oppsync.pipeline.stage import Advance, Await, Outcome, Park, Sources, StageContext, Wait
from oppsync.pipeline.warn import tell_warnings

ACTOR = stage_actor("validate")


def decide(opportunity: TrackedOpportunity, facts: ValidationFacts, events: tuple[Event, ...] = ()) -> Outcome:
    """Pure: `validated`, or parked with everything that is wrong; a sound deal waits for its close date."""
    record = require(opportunity.record, "the record")
    findings = validate(record, facts)
    warned = changed(
        opportunity,
        warnings=warnings(findings),
        customer=facts.customer.customer,
        erp_facts=erp_facts_of(record, facts),
    )
    if blocks := blocking(findings):
        every = (*blocks, *warned.warnings)
        return Park(warned, every, payload_reference=record_reference(opportunity.id), events=events)
    warnings_found = tell_warnings(opportunity, warned.warnings, opportunity.warnings, ACTOR)
    if facts.waits_until is not None:
        wait = _for_the_close_date(record, facts, facts.waits_until)
        told = () if opportunity.waits_for == wait.reason else (_awaited(opportunity, wait),)
        return Await(warned, wait=wait, events=(*events, *warnings_found, *told))
    return Advance(State.VALIDATED, warned, events=(*events, *warnings_found))


def _for_the_close_date(record: Opportunity, facts: ValidationFacts, until: datetime) -> Wait:
    won_on = require(record.won_on, "the close date")
    return Wait(until, in_words(won_on, require(facts.legal_entity, "the legal entity"), until))


def _awaited(opportunity: TrackedOpportunity, wait: Wait) -> MomentAwaited:
    detail = {"until": wait.until.isoformat()}
    return MomentAwaited(opportunity_id=opportunity.id, actor=ACTOR, detail=detail, summary=wait.reason)


def run(context: StageContext) -> Outcome:
    """Read the record anew, because the CRM owns it; one that is no longer won is withdrawn."""
    crm = context.systems.crm(context.opportunity.connection_id)
    record = crm.read_opportunity(context.opportunity.source_id)
    opportunity, events = apply_reading(context.opportunity, record, ACTOR)
    if not record.is_won and has_begun(context):
        return Park(opportunity, [LOST_WHILE_PLANNED_ANEW], record_reference(opportunity.id), events=events)
    if not record.is_won:
        items = (
            [LOST_BUT_CREATED]
            if has_project_without_ledger_row(context.uow, context.systems, opportunity)
            else []
        )
        return Advance(State.WITHDRAWN, opportunity, events=events, items=items)
    facts = gather(context.sources, record, opportunity)
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


def gather(sources: Sources, record: Opportunity, known: TrackedOpportunity | None = None) -> ValidationFacts:
    """Gather what the rules need of the reference data and of the ERP. `known`: the deal, where it is stored
    here. What the record leaves empty and a rule of the firm fills counts as filled."""
    now, book = sources.clock.now(), sources.book()
    day = record.won_on or _today(book, record, now)
    rules = firm_rules(book, record, day)
    record = rules.fill(record).deal
    entity = _legal_entity(book, record, day)
    _, erp = sources.systems.erp(sources.tenant_id, parent_values(record))
    customer = find_customer(sources, record, erp)
    terms = record.contract.payment_terms
    knows_terms = terms is None or erp.has_payment_terms(terms)
    return ValidationFacts(
        legal_entity=entity,
        missing_in_erp=tuple(erp.missing_for(entity.erp_company)) if entity else (),
        erp=erp.capabilities,
        today=entity.today(now) if entity else now.date(),
        customer=customer,
        payment_terms_known=knows_terms,
        payment_terms=() if knows_terms else tuple(erp.payment_terms()),
        books_open_until=erp.books_open_until(entity.erp_company, record.ends_on) if entity else None,
        waits_until=begins_later(record.won_on, entity, now) if record.is_won else None,
        confirmations=known.confirmations if known else (),
        others=other_deals(sources, record, known),
        legal_entities=book.keys(ReferenceKind.LEGAL_ENTITY, day),
        rules=rules,
        crm_fields=_crm_fields(sources, known),
    )


def _crm_fields(sources: Sources, known: TrackedOpportunity | None) -> dict[str, FieldOfCrm]:
    """Nothing for a deal of no CRM that is connected here: a document that somebody previews."""
    if known is None:
        return {}
    crm = sources.systems.crm(known.connection_id)
    return {place: crm.field_at(place) for place in NAMED}


def other_deals(
    sources: Sources, record: Opportunity, known: TrackedOpportunity | None
) -> tuple[OtherDeal, ...]:
    """Those to judge the deal together with. `known`: the deal itself, where it is stored here."""
    with sources.uow.reading() as uow:
        found = uow.opportunities.comparable(sources.tenant_id, record, known.id if known else None)
    itself = (record.system, record.id)
    return tuple(each for each in found if (each.record.system, each.record.id) != itself)


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


def today_at_the_entity(sources: Sources, record: Opportunity) -> date:
    """Which day it is where the deal's contracting entity is; in UTC where that is not known."""
    return _today(sources.book(), record, sources.clock.now())


def _today(book: ReferenceBook, record: Opportunity, now: datetime) -> date:
    entity = _legal_entity(book, record, now.date())
    return entity.today(now) if entity else now.date()


def _legal_entity(book: ReferenceBook, record: Opportunity, day: date) -> LegalEntity | None:
    if record.contracting_entity is None:
        return None
    found = book.find(LegalEntity, ReferenceKind.LEGAL_ENTITY, record.contracting_entity, day)
    return found[0] if found else None
