"""Stage `split_workstreams`: from the deal to the plan that people approve, then applied as stored."""

from __future__ import annotations

from datetime import datetime

from oppsync.domain.customers import with_customer
from oppsync.domain.enrichment import Enrichment
from oppsync.domain.events import PlanMade
from oppsync.domain.model import given
from oppsync.domain.opportunity import Opportunity
from oppsync.domain.origins import origins
from oppsync.domain.plan import Plan, Provenance, short_hash
from oppsync.domain.planning import make_plan
from oppsync.domain.split import split
from oppsync.domain.states import State
from oppsync.domain.tracked import TrackedOpportunity
from oppsync.pipeline.stage import Advance, Outcome, StageContext

ACTOR = "stage:split_workstreams"


def decide(opportunity: TrackedOpportunity, now: datetime) -> Outcome:
    """Pure: `planned`. A plan with the hash of the one before is no news."""
    record = given(opportunity.record, "the record")
    plan = plan_of(record, given(opportunity.enrichment, "the enrichment"), now)
    planned = opportunity.model_copy(update={"plan_hash": plan.hash})
    events = () if plan.hash == opportunity.plan_hash else (_plan_made(opportunity, plan),)
    return Advance(State.PLANNED, planned, plan=plan, events=events)


def plan_of(record: Opportunity, enrichment: Enrichment, now: datetime) -> Plan:
    """Pure: the plan of a validated and enriched deal, and where it came from."""
    deal = with_customer(record, enrichment.customer)
    workstreams = split(deal, enrichment)
    content = make_plan(deal, enrichment, workstreams)
    return Plan(
        content=content,
        provenance=Provenance(
            made_at=now,
            source_version=record.version,
            record_digest=record.content_digest(),
            reference=enrichment.used,
            origins=origins(content, record, enrichment, workstreams),
        ),
    )


def run(context: StageContext) -> Outcome:
    return decide(context.opportunity, context.clock.now())


def _plan_made(opportunity: TrackedOpportunity, plan: Plan) -> PlanMade:
    content = plan.content
    projects = sum(1 for node in content.nodes if node.billing_model is not None)
    return PlanMade(
        opportunity_id=opportunity.id,
        actor=ACTOR,
        before={"plan_hash": opportunity.plan_hash},
        after={"plan_hash": plan.hash},
        detail={"total": content.total.model_dump(mode="json"), "nodes": len(content.nodes)},
        summary=f"plan {short_hash(plan.hash)}: {content.total}, workstreams: {projects}",
    )
