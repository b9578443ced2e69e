"""Create projects: parent first, then children and tasks, then billing, each once, as approved. What waits for
no answer of another goes out together: each level of the tree is a wave, all billing lines are one. What the
ERP takes in one call is sent in one.

Of a deal that is planned anew, what exists is taken over where it is equal, changed where an earlier plan
ordered it otherwise, and closed at the end where the plan has it no longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from oppsync.domain.effects.effects import Effect, ExternalRecord
from oppsync.domain.plan.orders import CustomerOrder, LineOrder, NodeOrder
from oppsync.domain.plan.plan import BillingLine, NewCustomer, Plan, PlanContent, PlanNode
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import State
from oppsync.pipeline.across_deals import beside_other_deals
from oppsync.pipeline.calls import Order, Together, Wanted
from oppsync.pipeline.closing import Closing, close_in_erp
from oppsync.pipeline.create_customer import create_customer
from oppsync.pipeline.destination import erp_of
from oppsync.pipeline.duties import duties_of, reconsider, required_of
from oppsync.pipeline.look_ups import existing_lines, look_ups
from oppsync.pipeline.outside_keys import KIND_OF, closing_path, key_of
from oppsync.pipeline.preflight import ended_since
from oppsync.pipeline.replacing import (
    Replacing,
    has_begun,
    is_before_its_first_mark,
    node_request,
    replacing,
)
from oppsync.pipeline.signed import approved_plan, not_approved
from oppsync.pipeline.stage import Advance, Outcome, Park, StageContext
from oppsync.ports.erp import CreatesTogether, Erp
from oppsync.ports.storage.ledger import AsRead


def run(context: StageContext) -> Outcome:
    """Apply the approved plan as stored, never recomputed, if plan and decisions are what was signed. A retry
    continues where the ledger ends.

    Before anything is written, separation of duties is checked once more, other deals that were approved at
    the same moment, and whether what it books on is still there.
    """
    opportunity, begun = context.opportunity, has_begun(context)
    known = duties_of(context, opportunity)
    if opportunity.replaces is not None or not begun:
        with context.uow.reading() as uow:
            required = required_of(uow, opportunity.tenant_id, opportunity.id, opportunity.plan_hash)
        asked_anew = reconsider(context, opportunity, known, required)
        if asked_anew is not None:
            return asked_anew
    with context.uow.reading() as uow:
        plan = approved_plan(uow, opportunity)
    doubtful = not_approved(context, plan, known.tasks)
    if doubtful is not None:
        return doubtful
    if not begun:
        beside = beside_other_deals(context)
        if isinstance(beside, Park):
            return beside
    is_unmarked = not begun or is_before_its_first_mark(context)
    connection_id, erp = erp_of(context.systems, opportunity, plan.systems)
    if is_unmarked and (ended := ended_since(erp, plan)):
        return Park(opportunity, ended, record_reference(opportunity.id))
    if is_unmarked:
        context.effects.only_as_read(AsRead(opportunity.version, opportunity.reread_requested))
    replaced = replacing(context, plan)
    creation = _Creation(context, plan, replaced, connection_id, erp)
    if plan.content.new_customer is not None:
        creation.customer(plan.content.new_customer)
    context.effects.prefetch_missing(*look_ups(opportunity, plan.content, erp))
    creation.lines(creation.nodes())
    creation.close_the_rest()
    return Advance(State.CREATED, opportunity)


@dataclass(frozen=True)
class _Creation:
    """Creates what one plan needs in one ERP."""

    context: StageContext
    plan: Plan
    replaced: Replacing
    connection_id: str
    erp: Erp

    def customer(self, customer: NewCustomer) -> ExternalRecord:
        key = key_of(self.context.opportunity, EffectKind.CUSTOMER, customer.code)
        order = CustomerOrder(key=key, customer=customer, erp_company=self.plan.content.erp_company)
        effect = self._effect(key, EffectKind.CUSTOMER, customer.code, customer.model_dump(mode="json"))
        return create_customer(self.context, self.erp, effect, order)

    def key(self, node: PlanNode) -> str:
        return key_of(self.context.opportunity, KIND_OF[node.kind], node.path)

    def nodes(self) -> Mapping[str, str]:
        """Create level by level; returns path -> outside id."""
        ids: dict[str, str] = {}
        for level in levels(self.plan.content.nodes):
            wave = [self._node(node, ids[node.parent] if node.parent else None) for node in level]
            made = self.context.effects.perform_all(wave, self.erp.existing_keys)
            ids |= {node.path: external.outside_id for node, external in zip(level, made, strict=True)}
        return ids

    def lines(self, ids: Mapping[str, str]) -> None:
        ordered = self.plan.content.billing_lines()
        wave = [self._line(self._line_order(node, line, ids[node.path])) for node, line in ordered]
        plans = self.replaced.plans or [self.plan.content]
        existing = partial(existing_lines, self.context.opportunity, plans, self.erp)
        self.context.effects.perform_all(wave, existing)

    def _node(self, node: PlanNode, parent_id: str | None) -> Wanted:
        key, kind = self.key(node), KIND_OF[node.kind]
        order = NodeOrder(
            key=key,
            plan=self.plan.content,
            node=node,
            parent_id=parent_id,
            was=self._nodes_before(node, key),
            closed_by_us=self._closed_by_us(kind, node.path, key),
        )
        request = node_request(node, parent_id, self.replaced.mark)
        return Wanted(
            self._effect(key, kind, node.path, request),
            partial(self.erp.find_node, order),
            partial(self.erp.create_node, order),
            partial(self.erp.revise_node, order),
            self._together(order),
        )

    def _together(self, order: Order) -> Together | None:
        most = self.erp.capabilities.creates_together
        if most == 1 or not isinstance(self.erp, CreatesTogether):
            return None
        return Together(self.erp.shares_call(order), most, order, self.erp.create_together)

    def _line_order(self, node: PlanNode, line: BillingLine, project_id: str) -> LineOrder:
        kind = EffectKind.BILLING_LINE
        key = key_of(self.context.opportunity, kind, line.path)
        return LineOrder(
            key=key,
            plan=self.plan.content,
            node=node,
            line=line,
            project_id=project_id,
            was=self._lines_before(line, key),
            closed_by_us=self._closed_by_us(kind, line.path, key),
        )

    def _line(self, order: LineOrder) -> Wanted:
        line = {"line": order.line.model_dump(mode="json"), "project_id": order.project_id}
        request = {**line, **self.replaced.mark}
        return Wanted(
            self._effect(order.key, EffectKind.BILLING_LINE, order.line.path, request),
            partial(self.erp.find_line, order),
            partial(self.erp.create_line, order),
            partial(self.erp.revise_line, order),
            self._together(order),
        )

    def close_the_rest(self) -> None:
        """Close what only earlier plans have, at the end, when no billing line belongs to it any more."""
        if self.replaced.plans:
            closing = Closing(self.context, self.replaced.rows, self.connection_id, self.erp.quarantine)
            close_in_erp(closing, self.erp, self.replaced.plans, but=self.plan.content)

    def _nodes_before(self, node: PlanNode, key: str) -> tuple[NodeOrder, ...]:
        return tuple(
            NodeOrder(key=key, plan=plan, node=each, parent_id=self._id_of(plan, each.parent))
            for plan in self.replaced.plans
            for each in plan.nodes
            if (each.kind, each.path) == (node.kind, node.path)
        )

    def _lines_before(self, line: BillingLine, key: str) -> tuple[LineOrder, ...]:
        return tuple(
            LineOrder(key=key, plan=plan, node=node, line=each, project_id=project_id)
            for plan in self.replaced.plans
            for node, each in plan.billing_lines()
            if each.path == line.path and (project_id := self._id_of(plan, node.path)) is not None
        )

    def _id_of(self, plan: PlanContent, path: str | None) -> str | None:
        """The outside id of a node of an earlier plan."""
        if path is None:
            return None
        row = self.replaced.rows.get(key_of(self.context.opportunity, KIND_OF[plan.node(path).kind], path))
        return row.outside_id if row else None

    def _closed_by_us(self, kind: EffectKind, path: str, key: str) -> bool:
        closing = key_of(self.context.opportunity, EffectKind.CANCELLATION, closing_path(kind, path))
        return self.context.effects.closed_by_us(key, closing)

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


def levels(nodes: Iterable[PlanNode]) -> Iterator[Sequence[PlanNode]]:
    """The tree from its root down; a node comes after its parent."""
    left, known = list(nodes), set[str | None]([None])
    while left:
        level = [node for node in left if node.parent in known]
        yield level
        known |= {node.path for node in level}
        left = [node for node in left if node.path not in known]
