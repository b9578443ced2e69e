"""Milestone billing: one line per milestone, due when it is accepted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from oppsync.domain.deal.opportunity import BillingModelCode, Milestone, Opportunity, OpportunityLine
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import plain
from oppsync.domain.values.percentages import why_not_whole


class MilestoneBilling:
    code = BillingModelCode.MILESTONE
    title = "Milestone"
    revenue_method = RevenueMethod.MILESTONE
    kinds = frozenset({LineKind.MILESTONE})
    uses: frozenset[str] = frozenset()

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
        here = f"{path}/milestones"
        if not line.milestones:
            yield finding(
                "MILESTONES_MISSING", f"{line.title} is billed by milestones, but has none", path=here
            )
            return
        percents = [milestone.percent for milestone in line.milestones]
        if wrong := why_not_whole(percents):
            yield finding(
                "MILESTONE_PERCENTS",
                f"The milestones of {line.title} are {wrong}",
                path=here,
                value=f"{plain(sum(percents, start=Decimal(0)))} %",
            )

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        milestones = sorted(workstream.milestones, key=_by_plan)
        amounts = workstream.amount.allocate([milestone.percent for milestone in milestones])
        return tuple(
            BillingLine(
                path=f"{workstream.key}/milestone/{milestone.id}",
                kind=LineKind.MILESTONE,
                description=f"{workstream.name}: {(milestone.name or milestone.id)[:200]}",
                amount=amount,
                due_on=milestone.planned_on,
            )
            for milestone, amount in zip(milestones, amounts, strict=True)
        )


def _by_plan(milestone: Milestone) -> tuple[date, str]:
    """Sort key: by date, undated milestones last. The order in which the CRM lists them must not change the
    plan."""
    return (milestone.planned_on or date.max, milestone.id)
