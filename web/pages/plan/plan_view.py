"""A plan as pages show it: the tree, the money of each workstream, billing and revenue with running totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from oppsync.domain.billing.terms_text import in_words
from oppsync.domain.plan.plan import (
    BillingLine,
    NodeKind,
    Plan,
    PlanNode,
    RevenueLine,
    RevenueSchedule,
    short_hash,
)
from oppsync.domain.reading.plan_money import PlanMoney, money_of
from oppsync.domain.values.money import Money


class Branch(NamedTuple):
    """A node with the nodes below it. `terms` are its billing terms as text."""

    node: PlanNode
    children: tuple[Branch, ...]

    @property
    def terms(self) -> Mapping[str, str]:
        return in_words(self.node.terms, self.node.amount.currency)


class BillingRow(NamedTuple):
    """A billing line with its tax. `cumulative` is the sum of the amounts up to this row; the last one equals
    the contract's total."""

    node: PlanNode
    line: BillingLine
    tax: Money
    cumulative: Money


class RevenueRow(NamedTuple):
    """A month's revenue. `cumulative` is the sum of the amounts up to this month."""

    line: RevenueLine
    cumulative: Money


class Revenue(NamedTuple):
    """The revenue schedule of one performance obligation, which is the workstream `node`."""

    node: PlanNode
    schedule: RevenueSchedule
    rows: tuple[RevenueRow, ...]


class PlanView(NamedTuple):
    """Everything that the templates show."""

    plan: Plan
    number: int
    short: str
    tree: Branch
    workstreams: tuple[PlanNode, ...]
    projects: int
    billing: tuple[BillingRow, ...]
    revenue: tuple[Revenue, ...]
    money: PlanMoney
    first_due: date | None

    def called(self, key: str) -> str:
        """The name of a workstream by its key. In a deal with one workstream that is the project."""
        found = next((node for node in self.workstreams if node.path == key), self.tree.node)
        return found.name


def plan_view(plan: Plan, number: int) -> PlanView:
    nodes = plan.content.nodes
    money = money_of(plan.content)
    rows = billing_rows(plan, money)
    return PlanView(
        plan=plan,
        number=number,
        short=short_hash(plan.hash),
        tree=tree_of(nodes),
        workstreams=tuple(node for node in nodes if node.billing_model is not None),
        projects=sum(node.kind is not NodeKind.TASK for node in nodes),
        billing=rows,
        revenue=revenue_of(plan),
        money=money,
        first_due=min((row.line.due_on for row in rows if row.line.due_on), default=None),
    )


def tree_of(nodes: Sequence[PlanNode]) -> Branch:
    """The root with everything below it, in the plan's order."""

    below: dict[str | None, list[PlanNode]] = {}
    for node in nodes:
        below.setdefault(node.parent, []).append(node)

    def branch(node: PlanNode) -> Branch:
        return Branch(node, tuple(branch(child) for child in below.get(node.path, ())))

    return branch(below[None][0])


def billing_rows(plan: Plan, money: PlanMoney) -> tuple[BillingRow, ...]:
    """Ordered by due date; lines without one come last, in the plan's order."""
    tax = {line.path: line.tax for line in money.lines}
    lines = sorted(plan.content.billing_lines(), key=lambda pair: pair[1].due_on or date.max)
    rows, running = [], Money.zero(plan.content.currency)
    for node, line in lines:
        running += line.amount
        rows.append(BillingRow(node, line, tax[line.path], running))
    return tuple(rows)


def revenue_of(plan: Plan) -> tuple[Revenue, ...]:
    """In the plan's order; empty where the entity's policy asks for no schedule."""
    return tuple(
        Revenue(node, node.revenue, _running(node.revenue))
        for node in plan.content.nodes
        if node.revenue is not None
    )


def _running(schedule: RevenueSchedule) -> tuple[RevenueRow, ...]:
    rows, running = [], Money.zero(schedule.price.currency)
    for line in schedule.lines:
        running += line.amount
        rows.append(RevenueRow(line, running))
    return tuple(rows)
