"""The orders of a deal, made as the pipeline makes them, and what the contract of an ERP does with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from uuid import uuid4

from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.orders import LineOrder, NodeOrder
from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.values.keys import EffectKind, outside_key
from oppsync.domain.values.model import changed
from oppsync.ports.erp import Erp
from sandbox.contracts import deals


class Deal:
    """The orders of a plan, made as the pipeline makes them, under keys of its own."""

    def __init__(self, opportunity: Opportunity | None = None, plan: PlanContent | None = None) -> None:
        self.record = uuid4().hex
        self.plan = plan or deals.content(opportunity or deals.opportunity())
        self.ids: dict[str, str] = {}

    def key(self, kind: EffectKind, path: str) -> str:
        return outside_key("default", "sf", self.record, kind, path)

    def node(self, path: str = "project", **changes: Any) -> NodeOrder:
        node = changed(self.plan.node(path), **changes)
        key = self.key(EffectKind.CHILD if node.parent else EffectKind.PARENT, path)
        return NodeOrder(
            key=key, plan=self.plan, node=node, parent_id=self.ids[node.parent] if node.parent else None
        )

    def lines(self) -> Iterator[LineOrder]:
        for node, line in self.plan.billing_lines():
            key = self.key(EffectKind.BILLING_LINE, line.path)
            yield LineOrder(key=key, plan=self.plan, node=node, line=line, project_id=self.ids[node.path])

    def create(self, erp: Erp) -> list[ExternalRecord]:
        """The whole tree, parents first."""
        landed = []
        for node in self.plan.nodes:
            landed.append(erp.create_node(self.node(node.path)))
            self.ids[node.path] = landed[-1].outside_id
        return landed + [erp.create_line(order) for order in self.lines()]

    def again(self, plan: PlanContent, *, closed_by_us: bool = False) -> list[NodeOrder | LineOrder]:
        """The orders of `plan` in this one's place, of what this one has too."""
        new = Deal(plan=plan)
        new.record, new.ids = self.record, self.ids
        was = {order.key: order for order in self.orders()}
        anew = {"closed_by_us": closed_by_us}
        return [
            changed(order, was=(was[order.key], order), **anew) for order in new.orders() if order.key in was
        ]

    def orders(self) -> list[NodeOrder | LineOrder]:
        return [*(self.node(node.path) for node in self.plan.nodes), *self.lines()]

    def find(self, erp: Erp) -> list[ExternalRecord | None]:
        nodes = [erp.find_node(self.node(node.path)) for node in self.plan.nodes]
        return nodes + [erp.find_line(order) for order in self.lines()]


def one_line_deal(line: Callable[[], OpportunityLine], **changes: Any) -> Deal:
    return Deal(deals.opportunity(line(), **changes))


def close(erp: Erp, deal: Deal, created: list[ExternalRecord]) -> list[ExternalRecord]:
    """Close everything of a deal, in reverse order of creation."""
    orders: list[NodeOrder | LineOrder] = [deal.node(node.path) for node in deal.plan.nodes]
    orders += deal.lines()
    return [
        erp.cancel_node(order, external.outside_id)
        if isinstance(order, NodeOrder)
        else erp.cancel_line(order, external.outside_id)
        for order, external in reversed(list(zip(orders, created, strict=True)))
    ]


def look_up(erp: Erp, order: NodeOrder | LineOrder) -> ExternalRecord:
    found = erp.find_node(order) if isinstance(order, NodeOrder) else erp.find_line(order)
    assert found is not None
    return found


def revise(erp: Erp, order: NodeOrder | LineOrder, outside_id: str) -> ExternalRecord:
    if isinstance(order, NodeOrder):
        return erp.revise_node(order, outside_id)
    return erp.revise_line(order, outside_id)


def other_plan(plan: PlanContent) -> PlanContent:
    """Another name, cost centre, purchase order and price wherever there is one."""
    nodes = []
    for node in plan.nodes:
        lines = tuple(
            changed(
                line,
                description=f"{line.description} again",
                amount=changed(line.amount, amount=line.amount.amount + 10),
                rate=None if line.rate is None else line.rate + 1,
            )
            for line in node.lines
        )
        centre = "CC-DE-ADV" if node.cost_centre else None
        nodes.append(changed(node, name=f"{node.name} again", lines=lines, cost_centre=centre))
    again = {"po_number": "PO-AGAIN", "po_expires_on": date(2027, 1, 31), "payment_terms": "NET60"}
    return changed(plan, nodes=tuple(nodes), **again)
