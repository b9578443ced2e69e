"""What a plan replaces: earlier plans of the deal, of which something exists outside or was closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from oppsync.domain.effects.effects import EffectState, LedgerRow
from oppsync.domain.plan.plan import Plan, PlanContent
from oppsync.pipeline.stage import StageContext


@dataclass(frozen=True)
class Replacing:
    """`plans`: the deal's other plans, the latest first; none where nothing of another plan can exist. `mark`
    goes into each request, so that what was recorded for another plan is compared with this one."""

    plans: Sequence[PlanContent] = ()
    rows: Mapping[str, LedgerRow] = field(default_factory=dict)
    mark: Mapping[str, str] = field(default_factory=dict)


def replacing(context: StageContext, plan: Plan) -> Replacing:
    opportunity = context.opportunity
    with context.uow.reading() as uow:
        rows = {row.key: row for row in uow.ledger.of(opportunity.tenant_id, opportunity.id)}
        # One that an earlier release closed, or planned anew from the start, is not marked.
        closed = any(row.state is EffectState.CANCELLED for row in rows.values())
        if opportunity.replaces is None and not closed:
            return Replacing()
        others = uow.plans.others(opportunity.tenant_id, opportunity.id, plan.hash)
    return Replacing([plan.content, *(other.content for other in others)], rows, {"plan": plan.hash})


def has_begun(context: StageContext) -> bool:
    """Whether something of the deal may exist outside: from then on it is finished as it was approved, unless
    a person plans it anew."""
    opportunity = context.opportunity
    with context.uow.reading() as uow:
        return any(row.may_exist for row in uow.ledger.of(opportunity.tenant_id, opportunity.id))
