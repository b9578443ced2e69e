"""Milestone: revenue is recognised when each milestone is planned to be accepted; without any, when work
ends."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from oppsync.domain.plan.plan import LineKind
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.revenue.recognition import Months, Obligation, month_of


class AtMilestones:
    method = RevenueMethod.MILESTONE
    title = "On milestones"

    def months(self, obligation: Obligation) -> Months:
        end = obligation.workstream.ends_on
        months: defaultdict[str, Fraction] = defaultdict(Fraction)
        for line in obligation.billing:
            if line.kind is LineKind.MILESTONE:
                months[month_of(line.due_on or end)] += abs(Fraction(line.amount.amount))
        return months if any(months.values()) else {month_of(end): Fraction(1)}
