"""Stage `compensate`: close what was created for a deal, in reverse order, whichever of its plans ordered it.

A person chose this for a deal that cannot be finished. The stage survives crashes as the others do. At the end
the CRM gets the reason, and the deal is withdrawn.
"""

from __future__ import annotations

from oppsync.domain.plan.orders import WriteBack
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.closing import Closing, close_in_erp, close_psa_project, close_staffing
from oppsync.pipeline.destination import erp_of, psa_of
from oppsync.pipeline.signed import approved_plan
from oppsync.pipeline.stage import Advance, Outcome, StageContext
from oppsync.pipeline.write_back import told_crm_of_the_end


def run(context: StageContext) -> Outcome:
    opportunity = context.opportunity
    with context.uow() as uow:
        plan = approved_plan(uow, opportunity)
        plans = [plan.content]
        if opportunity.replaces is not None:
            others = uow.plans.others(opportunity.tenant_id, opportunity.id, plan.hash)
            plans += [other.content for other in others]
        rows = {row.key: row for row in uow.ledger.of(opportunity.tenant_id, opportunity.id)}
    connected = psa_of(context.systems, opportunity, plan.systems)
    if connected is not None:
        psa_id, psa = connected
        closing = Closing(context, rows, psa_id, psa.quarantine)
        close_staffing(closing, psa, plans)
        close_psa_project(closing, psa)
    erp_id, erp = erp_of(context.systems, opportunity, plan.systems)
    close_in_erp(Closing(context, rows, erp_id, erp.quarantine), erp, plans)
    end = WriteBack(status="withdrawn", message=opportunity.compensation_reason or "")
    return Advance(State.WITHDRAWN, _replacing(told_crm_of_the_end(context, end)))


def _replacing(opportunity: TrackedOpportunity) -> TrackedOpportunity:
    """Should it be won again, its next plan replaces this one: what was closed is opened again as that plan
    orders it."""
    enrichment = opportunity.enrichment
    if enrichment is None or enrichment.replaces is not None:
        return opportunity
    return changed(opportunity, enrichment=changed(enrichment, replaces=opportunity.plan_hash))
