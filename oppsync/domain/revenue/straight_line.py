"""Straight line by days: the same amount each day, for services that stand ready over time."""

from __future__ import annotations

from fractions import Fraction

from oppsync.domain.billing.periods import days_in, months_of
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.revenue.recognition import Months, Obligation, month_of


class StraightLine:
    method = RevenueMethod.STRAIGHT_LINE
    title = "Straight line"

    def months(self, obligation: Obligation) -> Months:
        run = obligation.workstream
        return {
            month_of(part.starts_on): Fraction(days_in(part)) for part in months_of(run.starts_on, run.ends_on)
        }
