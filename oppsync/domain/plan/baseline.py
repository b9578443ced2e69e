"""The baseline: budget, cost, margin, dates and schedules as they stood when a deal became active.

Frozen once, so that what becomes of the projects can be compared with it later (as Certinia PSA's and Dynamics
365 Project Operations' project baselines). Reading the deal again, a replay or a second activation never
changes it.
"""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime

from oppsync.domain.plan.plan import ROOT_PATH, NodeKind, Plan, PlanNode
from oppsync.domain.values.model import Code, Frozen, Quantity, omitted_at
from oppsync.domain.values.money import Money


class Baseline(Frozen):
    """Figures of the whole deal, and its projects with their own figures and billing schedules; no tasks."""

    plan_hash: Code
    frozen_at: AwareDatetime
    budget: Money
    cost: Money | None = omitted_at(None)
    margin_percent: Quantity | None = omitted_at(None)
    hours: Quantity | None = omitted_at(None)
    starts_on: date
    ends_on: date
    nodes: tuple[PlanNode, ...]


def baseline_of(plan: Plan, frozen_at: AwareDatetime) -> Baseline:
    root = plan.content.node(ROOT_PATH)
    return Baseline(
        plan_hash=plan.hash,
        frozen_at=frozen_at,
        budget=plan.content.total,
        cost=root.cost,
        margin_percent=root.margin_percent,
        hours=root.hours,
        starts_on=root.starts_on,
        ends_on=root.ends_on,
        nodes=tuple(node for node in plan.content.nodes if node.kind is not NodeKind.TASK),
    )
