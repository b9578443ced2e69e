"""A made-up method of recognition, written by the guide: everything is earned when work begins."""

from __future__ import annotations

from fractions import Fraction

from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.revenue.recognition import Months, Obligation, month_of


class AtStart:
    method = RevenueMethod("at_start")
    title = "When work begins"

    def months(self, obligation: Obligation) -> Months:
        return {month_of(obligation.workstream.starts_on): Fraction(1)}
