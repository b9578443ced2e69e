"""Stage `split_workstreams`: from the deal to the plan that people approve, then applied as stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from oppsync.domain.deal.customers import with_customer
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.capabilities import PRICE_DECIMALS
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.plan.plan import Plan, Provenance, short_hash
from oppsync.domain.planning.apply_overrides import Overridden, apply, with_before
from oppsync.domain.planning.origins import origins
from oppsync.domain.planning.planning import make_plan
from oppsync.domain.planning.split import split
from oppsync.domain.reference.book import ReferenceBook
from oppsync.domain.values.model import given
from oppsync.domain.work.events import PlanMade
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.destination import Destination, choose
from oppsync.pipeline.stage import Advance, Outcome, Park, StageContext

ACTOR = "stage:split_workstreams"
NO_BOOK = ReferenceBook(())


def decide(
    opportunity: TrackedOpportunity,
    now: datetime,
    overrides: Sequence[PlanOverride] = (),
    book: ReferenceBook = NO_BOOK,
    destination: Destination | None = None,
) -> Outcome:
    """Pure: `planned`, or parked with overrides that no longer fit. A plan with the hash of the one before is
    no news. `book`: what overrides name by code is looked up there. `destination` is kept with the plan."""
    record = given(opportunity.record, "the record")
    enrichment = given(opportunity.enrichment, "the enrichment")
    overridden = apply(record, enrichment, split(record, enrichment), overrides, book)
    if overridden.findings:
        return Park(opportunity, overridden.findings, payload_reference=f"record:{opportunity.id}")
    plan = plan_of(record, enrichment, overridden, now, destination)
    planned = opportunity.model_copy(update={"plan_hash": plan.hash})
    events = () if plan.hash == opportunity.plan_hash else (_plan_made(opportunity, plan),)
    return Advance(State.PLANNED, planned, plan=plan, events=events)


def plan_of(
    record: Opportunity,
    enrichment: Enrichment,
    overridden: Overridden,
    now: datetime,
    destination: Destination | None = None,
) -> Plan:
    """Pure: the plan of a validated and enriched deal as people want it; where it came from and where it goes.

    Without a `destination` it is planned as for any ERP.
    """
    decimals = destination.erp.price_decimals if destination else PRICE_DECIMALS
    deal = with_customer(record, enrichment.customer)
    content = make_plan(deal, enrichment, overridden.workstreams, decimals)
    taken = overridden.taken
    if taken:
        taken = with_before(taken, make_plan(deal, enrichment, split(record, enrichment), decimals))
    rows = [use for each in taken for use in each.rows]
    return Plan(
        content=content,
        provenance=Provenance(
            made_at=now,
            source_version=record.version,
            record_digest=record.content_digest(),
            reference=tuple(dict.fromkeys((*enrichment.used, *rows))),
            origins=origins(content, record, enrichment, overridden.workstreams, taken),
            overrides=tuple(each.use for each in taken),
        ),
        systems=destination.systems if destination else None,
    )


def run(context: StageContext) -> Outcome:
    opportunity = context.opportunity
    with context.uow.reading() as uow:
        overrides = uow.overrides.of(opportunity.tenant_id, opportunity.id)
        book = uow.references.book(opportunity.tenant_id) if overrides else NO_BOOK
    record = given(opportunity.record, "the record")
    destination = choose(context.systems, opportunity.tenant_id, record)
    return decide(opportunity, context.clock.now(), overrides, book, destination)


def _plan_made(opportunity: TrackedOpportunity, plan: Plan) -> PlanMade:
    content = plan.content
    projects = sum(1 for node in content.nodes if node.billing_model is not None)
    return PlanMade(
        opportunity_id=opportunity.id,
        actor=ACTOR,
        before={"plan_hash": opportunity.plan_hash},
        after={"plan_hash": plan.hash},
        detail={
            "total": content.total.model_dump(mode="json"),
            "nodes": len(content.nodes),
            "overrides": [f"{use.workstream} {use.field}" for use in plan.provenance.overrides],
        },
        summary=f"plan {short_hash(plan.hash)}: {content.total}, workstreams: {projects}",
    )
