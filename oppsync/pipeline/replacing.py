"""What a plan replaces: earlier plans of the deal, of which something exists outside or was closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from oppsync.domain.effects.effects import EffectState, LedgerRow
from oppsync.domain.plan.plan import Plan, PlanContent, PlanNode
from oppsync.domain.work.states import State
from oppsync.kernel import canonical_json
from oppsync.pipeline.outside_keys import KIND_OF, key_of
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
    return Replacing([plan.content, *(other.content for other in others)], rows, _mark(plan))


def _mark(plan: Plan) -> Mapping[str, str]:
    return {"plan": plan.hash}


def node_request(node: PlanNode, parent_id: str | None, mark: Mapping[str, str]) -> dict[str, Any]:
    """Return the request that the ledger keeps for a node."""
    return {"node": node.model_dump(mode="json"), "parent_id": parent_id, **mark}


def is_before_its_first_mark(context: StageContext) -> bool:
    """Tell whether a plan was approved in place of an earlier one, and nothing of it was made yet. Its root is
    made first: until then the ledger has the root as an earlier plan ordered it."""
    opportunity = context.opportunity
    if opportunity.replaces is None or opportunity.plan_hash is None:
        return False
    if opportunity.stands_at is not State.APPROVED:
        return False
    with context.uow.reading() as uow:
        plan = uow.plans.get(opportunity.tenant_id, opportunity.id, opportunity.plan_hash)
        root = plan.content.nodes[0]
        row = uow.ledger.get(opportunity.tenant_id, key_of(opportunity, KIND_OF[root.kind], root.path))
    if row is None or not row.may_exist:
        return True
    return row.request_digest != canonical_json.digest(node_request(root, None, _mark(plan)))


def has_begun(context: StageContext) -> bool:
    """Whether something of the deal may exist outside: from then on it is finished as it was approved, unless
    a person plans it anew."""
    opportunity = context.opportunity
    with context.uow.reading() as uow:
        return any(row.may_exist for row in uow.ledger.of(opportunity.tenant_id, opportunity.id))
