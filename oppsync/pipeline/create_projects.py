"""Create projects: parent first, then children and tasks, then billing, each once, as approved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from oppsync.domain.effects.effects import Effect, ExternalRecord
from oppsync.domain.plan.orders import CustomerOrder, LineOrder, NodeOrder
from oppsync.domain.plan.plan import BillingLine, NewCustomer, NodeKind, Plan, PlanNode
from oppsync.domain.values.keys import EffectKind, outside_key
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.create_customer import create_customer
from oppsync.pipeline.destination import erp_of
from oppsync.pipeline.duties import duties_of, reconsider
from oppsync.pipeline.signed import approved_plan, not_approved
from oppsync.pipeline.stage import Advance, Outcome, StageContext
from oppsync.ports.erp import Erp

KIND_OF: dict[NodeKind, EffectKind] = {
    NodeKind.PROJECT: EffectKind.PARENT,
    NodeKind.WORKSTREAM: EffectKind.CHILD,
    NodeKind.TASK: EffectKind.TASK,
}


def key_of(opportunity: TrackedOpportunity, kind: EffectKind, path: str) -> str:
    return outside_key(opportunity.tenant_id, opportunity.connection_id, opportunity.source_id, kind, path)


def run(context: StageContext) -> Outcome:
    """Apply the approved plan as stored, never recomputed, if plan and decisions are what was signed. A retry
    continues where the ledger ends.

    Before anything is written, separation of duties is checked once more.
    """
    opportunity = context.opportunity
    if not _has_begun(context):
        asked_anew = reconsider(context, opportunity, duties_of(context, opportunity))
        if asked_anew is not None:
            return asked_anew
    with context.uow.reading() as uow:
        plan = approved_plan(uow, opportunity)
        tasks = uow.approvals.of(opportunity.tenant_id, opportunity.id)
    doubtful = not_approved(context, plan, tasks)
    if doubtful is not None:
        return doubtful
    creation = _Creation(context, plan, *erp_of(context.systems, opportunity, plan.systems))
    if plan.content.new_customer is not None:
        creation.customer(plan.content.new_customer)
    context.effects.prefetch_missing(
        [creation.key(node) for node in plan.content.nodes], creation.erp.existing_keys
    )
    ids: dict[str, str] = {}
    for node in plan.content.nodes:
        ids[node.path] = creation.node(node, ids[node.parent] if node.parent else None).outside_id
    for node, line in plan.content.billing_lines():
        creation.line(node, line, ids[node.path])
    return Advance(State.CREATED, opportunity)


def _has_begun(context: StageContext) -> bool:
    """Whether something of the deal may exist outside: from then on it is finished as it was approved."""
    opportunity = context.opportunity
    with context.uow.reading() as uow:
        return any(row.may_exist for row in uow.ledger.of(opportunity.tenant_id, opportunity.id))


@dataclass(frozen=True)
class _Creation:
    """Creates what one plan needs in one ERP."""

    context: StageContext
    plan: Plan
    connection_id: str
    erp: Erp

    def customer(self, customer: NewCustomer) -> ExternalRecord:
        key = key_of(self.context.opportunity, EffectKind.CUSTOMER, customer.code)
        order = CustomerOrder(key=key, customer=customer, erp_company=self.plan.content.erp_company)
        effect = self._effect(key, EffectKind.CUSTOMER, customer.code, customer.model_dump(mode="json"))
        return create_customer(self.context, self.erp, effect, order)

    def key(self, node: PlanNode) -> str:
        return key_of(self.context.opportunity, KIND_OF[node.kind], node.path)

    def node(self, node: PlanNode, parent_id: str | None) -> ExternalRecord:
        key = self.key(node)
        order = NodeOrder(key=key, plan=self.plan.content, node=node, parent_id=parent_id)
        request = {"node": node.model_dump(mode="json"), "parent_id": parent_id}
        return self.context.effects.perform(
            self._effect(key, KIND_OF[node.kind], node.path, request),
            partial(self.erp.find_node, order),
            partial(self.erp.create_node, order),
        )

    def line(self, node: PlanNode, line: BillingLine, project_id: str) -> ExternalRecord:
        key = key_of(self.context.opportunity, EffectKind.BILLING_LINE, line.path)
        order = LineOrder(key=key, plan=self.plan.content, node=node, line=line, project_id=project_id)
        request = {"line": line.model_dump(mode="json"), "project_id": project_id}
        return self.context.effects.perform(
            self._effect(key, EffectKind.BILLING_LINE, line.path, request),
            partial(self.erp.find_line, order),
            partial(self.erp.create_line, order),
        )

    def _effect(self, key: str, kind: EffectKind, path: str, request: dict[str, Any]) -> Effect:
        return Effect(
            key=key,
            kind=kind,
            path=path,
            opportunity_id=self.context.opportunity.id,
            connection_id=self.connection_id,
            request=request,
            quarantine=self.erp.quarantine,
        )
