"""Stage `split_workstreams`: from the deal to the plan that people approve, then applied as stored."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

from oppsync.domain.approval.matrix import steps_on, with_approvals
from oppsync.domain.configuration.bundle import fingerprint_of
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.deal.customers import ErpCustomer, with_customer
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.effects.effects import EffectState
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.capabilities import PRICE_DECIMALS
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.overrides import OverrideField, PlanOverride, in_force
from oppsync.domain.plan.plan import Plan, PlanContent, Provenance, plan_hash, short_hash
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.plan.tampering import PlanTampered
from oppsync.domain.planning.apply_overrides import with_before
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.domain.planning.line_paths import with_own_paths
from oppsync.domain.planning.origins import origins
from oppsync.domain.planning.overridden_dates import DateFacts
from oppsync.domain.planning.planning import content_of
from oppsync.domain.planning.workstreams import Workstreams, is_about_planning, make_workstreams, rows_used
from oppsync.domain.reading.plan_changes import MOST_TOLD, plan_changes
from oppsync.domain.reference.book import ReferenceBook
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding, blocking, warnings
from oppsync.domain.values.model import changed, require
from oppsync.domain.work.events import PlanMade
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import NotFound
from oppsync.pipeline.destination import Destination, as_filled, choose
from oppsync.pipeline.plan_inputs import inputs_of
from oppsync.pipeline.preflight import preflight
from oppsync.pipeline.stage import Advance, Outcome, Park, StageContext
from oppsync.pipeline.warn import tell_warnings

ACTOR = stage_actor("split_workstreams")


class Proposal(NamedTuple):
    """The proposal for a deal: its workstreams, and their plan unless an override is not possible. `unjudged`:
    what is missing to say who has to approve it. `inputs`: all that the plan was made from, where it is to be
    kept."""

    workstreams: Workstreams
    plan: Plan | None
    unjudged: tuple[Finding, ...] = ()
    inputs: PlanInputs | None = None


def propose(
    opportunity: TrackedOpportunity,
    now: datetime,
    book: ReferenceBook,
    overrides: Sequence[PlanOverride] = (),
    destination: Destination | None = None,
    *,
    books_open_until: date | None = None,
    known_customer: bool = False,
) -> Proposal:
    """Pure. `destination` is kept with the plan. `books_open_until`: the last open day of the entity's books in
    the ERP, by which an overridden end is judged. `known_customer`: an earlier deal of the customer became
    active."""
    record = require(opportunity.record, "the record")
    enrichment = require(opportunity.enrichment, "the enrichment")
    facts = DateFacts(enrichment.legal_entity.today(now), books_open_until, opportunity.confirmations)
    workstreams = make_workstreams(record, enrichment, overrides, book, facts)
    if blocking(workstreams.overridden.findings):
        return Proposal(workstreams, None)
    customer = opportunity.customer
    plan = plan_of(record, enrichment, workstreams, now, destination, customer=customer)
    asking = with_approvals(plan, record, enrichment, book, now.date(), known_customer=known_customer)
    return Proposal(workstreams, *asking)


def decide(
    opportunity: TrackedOpportunity,
    proposal: Proposal,
    missing: Sequence[Finding] = (),
    *,
    replaced: PlanContent | None = None,
    rerouted: bool = False,
) -> Advance | Park:
    """Pure: `planned`, or parked with overrides that are not possible, margins that are too thin, and what the
    plan names and its systems do not know (`missing`).

    A plan with the same hash as the one before makes no event, unless it is `rerouted`: it goes to other
    systems, for which nobody approved it. `replaced`: the approved plan in whose place this one is made.
    """
    enrichment = require(opportunity.enrichment, "the enrichment")
    findings = (*proposal.workstreams.findings, *proposal.unjudged, *missing)
    new_warnings = warnings(findings)
    warned = _warned(opportunity, enrichment, new_warnings)
    if blocks := blocking(findings):
        every = (*blocks, *new_warnings)
        # A code that was corrected in the reference data comes into the plan by `enrich`.
        resume = State.VALIDATED if blocking(missing) else None
        return Park(warned, every, payload_reference=record_reference(opportunity.id), resume=resume)
    plan = require(proposal.plan, "the plan")
    planned = changed(warned, plan_hash=plan.hash)
    is_known = plan.hash == opportunity.plan_hash and not rerouted
    made = () if is_known else (_plan_made(opportunity, plan, replaced, rerouted=rerouted),)
    warnings_found = tell_warnings(opportunity, new_warnings, enrichment.warnings, ACTOR)
    events = (*warnings_found, *made)
    return Advance(
        State.PLANNED, planned, plan=plan, inputs=proposal.inputs, void_tasks=rerouted, events=events
    )


def _warned(
    opportunity: TrackedOpportunity, enrichment: Enrichment, new_warnings: Sequence[Finding]
) -> TrackedOpportunity:
    """The opportunity with the new warnings about its plan in place of the earlier ones. They are
    stored among the enrichment's warnings, because the release before this one looks for them there."""
    kept = [each for each in enrichment.warnings if not is_about_planning(each)]
    together = (*kept, *new_warnings)
    if together == enrichment.warnings:
        return opportunity
    return changed(opportunity, enrichment=changed(enrichment, warnings=together))


def plan_of(
    record: Opportunity,
    enrichment: Enrichment,
    workstreams: Workstreams,
    now: datetime,
    destination: Destination | None = None,
    *,
    customer: ErpCustomer | None = None,
) -> Plan:
    """Pure: the plan of a validated and enriched deal with its overrides, its provenance and its destination.

    Without a `destination` it is planned as for any ERP. `customer`: as it was read from the ERP.
    """
    decimals = destination.erp.price_decimals if destination else PRICE_DECIMALS
    content = content_of(record, enrichment, workstreams.wanted, decimals, customer)
    applied = workstreams.overridden.applied
    if applied:
        as_sold = content_of(record, enrichment, workstreams.as_sold, decimals, customer)
        applied = with_before(applied, as_sold)
    of_systems = destination.rows if destination else ()
    return Plan(
        content=content,
        provenance=Provenance(
            made_at=now,
            source_version=record.version,
            record_digest=record.content_digest(),
            reference=tuple(dict.fromkeys((*rows_used(enrichment, workstreams), *of_systems))),
            origins=origins(content, record, enrichment, workstreams.wanted, applied),
            overrides=tuple(each.use for each in applied),
        ),
        systems=destination.systems_for(content) if destination else None,
    )


def run(context: StageContext) -> Outcome:
    book = context.sources.book()
    destination = _destination(context, book)
    proposal = _proposed(context, destination, book)
    moved = _goes_elsewhere(context, destination, proposal.plan)
    if moved is not None:
        return moved
    anew = context.opportunity.replaces is not None
    missing = preflight(context.systems, proposal.plan, anew=anew) if proposal.plan else ()
    rerouted = _is_rerouted(context, proposal.plan)
    return decide(context.opportunity, proposal, missing, replaced=_replaced(context), rerouted=rerouted)


def can_be_planned(context: StageContext, record: Opportunity) -> bool:
    """Whether a validated deal would be planned now, by today's reference data and what its systems know."""
    opportunity = context.opportunity
    customer = opportunity.customer.code if opportunity.customer else None
    enrichment = enrich(record, context.sources.book(), customer)
    if not isinstance(enrichment, Enrichment):
        return False
    enriched = changed(opportunity, record=record, enrichment=enrichment)
    return isinstance(run(replace(context, opportunity=enriched)), Advance)


def proposed(context: StageContext) -> Proposal:
    """Plan the deal with its overrides and the reference data as they are now."""
    book = context.sources.book()
    return _proposed(context, _destination(context, book), book)


def _destination(context: StageContext, book: ReferenceBook) -> Destination:
    opportunity = context.opportunity
    record = require(as_filled(opportunity), "the record")
    return choose(context.systems, opportunity.tenant_id, record, book, opportunity.connection_id)


def _proposed(context: StageContext, destination: Destination, book: ReferenceBook) -> Proposal:
    opportunity = context.opportunity
    with context.uow.reading() as uow:
        overrides = uow.overrides.of(opportunity.tenant_id, opportunity.id)
        found = fingerprint_of(book)
        number = uow.configurations.number_of(opportunity.tenant_id, found)
    books_open_until = _books_open_until(context, destination, overrides)
    knows_customer = _knows_customer(context, book)
    proposal = propose(
        opportunity,
        context.clock.now(),
        book,
        overrides,
        destination,
        books_open_until=books_open_until,
        known_customer=knows_customer,
    )
    if proposal.plan is None:
        return proposal
    made_by = ConfigurationUse(fingerprint=found, number=number)
    plan = changed(proposal.plan, configuration=made_by)
    inputs = inputs_of(
        context,
        plan,
        book,
        made_by,
        overrides=overrides,
        destination=destination,
        books_open_until=books_open_until,
        knows_customer=knows_customer,
    )
    if _may_replace(context):
        replaced, earlier = _replaced(context), _earlier(context)
        plan = changed(plan, content=with_own_paths(plan.content, replaced, earlier))
        inputs = changed(
            inputs,
            replaced=plan_hash(replaced) if replaced else None,
            earlier=tuple(plan_hash(each) for each in earlier),
        )
    return proposal._replace(plan=plan, inputs=inputs)


def _knows_customer(context: StageContext, book: ReferenceBook) -> bool:
    """Looked up only when an approval step asks for it."""
    opportunity = context.opportunity
    deal = with_customer(require(opportunity.record, "the record"), _customer_of(opportunity))
    code = deal.account.code if deal.account else None
    steps = steps_on(book, context.clock.now().date())
    if code is None or not any(step.new_customer for step, _use in steps):
        return False
    with context.uow.reading() as uow:
        return uow.opportunities.knows_customer(opportunity.tenant_id, code)


def _customer_of(opportunity: TrackedOpportunity) -> str | None:
    return opportunity.enrichment.customer if opportunity.enrichment else None


def _books_open_until(
    context: StageContext, destination: Destination, overrides: Sequence[PlanOverride]
) -> date | None:
    """The ERP is asked only where an end is overridden: validation judged the CRM's."""
    ends = [each.value for each in in_force(overrides) if each.field is OverrideField.ENDS_ON]
    if not ends:
        return None
    entity = require(context.opportunity.enrichment, "the enrichment").legal_entity
    return context.systems.erp_at(destination.systems.erp).books_open_until(entity.erp_company, _latest(ends))


def _latest(ends: Sequence[str | None]) -> date | None:
    """None of ends that are no days: those are told."""
    days = []
    for each in ends:
        with suppress(ValueError):
            days.append(date.fromisoformat(each or ""))
    return max(days, default=None)


def _may_replace(context: StageContext) -> bool:
    """As `replacing`: whether what another plan ordered may exist, or was closed."""
    opportunity = context.opportunity
    if opportunity.replaces is not None:
        return True
    with context.uow.reading() as uow:
        rows = uow.ledger.of(opportunity.tenant_id, opportunity.id)
    return any(row.state is EffectState.CANCELLED for row in rows)


def _replaced(context: StageContext) -> PlanContent | None:
    """The content of the approved plan that is replaced; None also where it cannot be shown any more."""
    return _stored(context, context.opportunity.replaces)


def _earlier(context: StageContext) -> Sequence[PlanContent]:
    """The content of the deal's stored plans. Those that were changed in the database are left out: what they
    ordered, and differs, is a conflict that names it."""
    opportunity = context.opportunity
    current = _stored(context, opportunity.plan_hash)
    try:
        with context.uow.reading() as uow:
            others = uow.plans.others(opportunity.tenant_id, opportunity.id, opportunity.plan_hash or "")
    except PlanTampered:
        others = ()
    return [*(other.content for other in others), *([current] if current else [])]


def _stored(context: StageContext, stored: str | None) -> PlanContent | None:
    opportunity = context.opportunity
    if stored is None:
        return None
    try:
        with context.uow.reading() as uow:
            return uow.plans.get(opportunity.tenant_id, opportunity.id, stored).content
    except (NotFound, PlanTampered):
        return None


def _goes_elsewhere(context: StageContext, destination: Destination, plan: Plan | None) -> Park | None:
    """Parked where projects exist in other systems, or in another company of the ERP, than those that the deal
    goes to now: they are not left behind there."""
    opportunity = context.opportunity
    earlier = opportunity.replaces or opportunity.plan_hash
    if earlier is None:
        return None
    with context.uow.reading() as uow:
        if not any(row.may_exist for row in uow.ledger.of(opportunity.tenant_id, opportunity.id)):
            return None
        before = uow.plans.systems_of(opportunity.tenant_id, opportunity.id, earlier)
    today = destination.systems
    if before is None:
        return None
    was, now = _in_words(before), _in_words(today)
    replaced = _stored(context, earlier)
    if was == now and plan is not None and replaced is not None:
        was, now = (f"company {each.erp_company}" for each in (replaced, plan.content))
    if was == now:
        return None
    found = finding(
        "DESTINATION_CHANGED",
        f"Its projects exist in {was}; today it goes to {now}",
        path="/systems",
        value=now,
    )
    return Park(opportunity, [found], record_reference(opportunity.id))


def _in_words(systems: PlanSystems) -> str:
    return " and ".join(filter(None, (systems.erp, systems.psa)))


def _is_rerouted(context: StageContext, plan: Plan | None) -> bool:
    opportunity = context.opportunity
    if plan is None or plan.hash != opportunity.plan_hash:
        return False
    with context.uow.reading() as uow:
        before = uow.plans.systems_of(opportunity.tenant_id, opportunity.id, plan.hash)
    return before != plan.systems


def _plan_made(
    opportunity: TrackedOpportunity, plan: Plan, replaced: PlanContent | None, *, rerouted: bool
) -> PlanMade:
    content = plan.content
    changes = plan_changes(replaced, content) if replaced else ()
    difference = {"changes": [each.in_words for each in changes[:MOST_TOLD]], "changed": len(changes)}
    projects = sum(1 for node in content.nodes if node.billing_model is not None)
    goes = f"; goes to {_in_words(plan.systems)} now" if rerouted and plan.systems else ""
    return PlanMade(
        opportunity_id=opportunity.id,
        actor=ACTOR,
        before={"plan_hash": opportunity.plan_hash},
        after={"plan_hash": plan.hash},
        detail={
            "total": content.total.model_dump(mode="json"),
            "nodes": len(content.nodes),
            "overrides": [f"{use.workstream} {use.field}" for use in plan.provenance.overrides],
            **(difference if replaced else {}),
        },
        summary=f"plan {short_hash(plan.hash)}: {content.total}, workstreams: {projects}{goes}",
    )
