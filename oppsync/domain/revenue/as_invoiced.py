"""As invoiced: revenue is what may be invoiced (the practical expedient of ASC 606-10-55-18).

Lines without a date, such as hours, are recognised as the work is planned.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.revenue.percent_complete import PercentComplete
from oppsync.domain.revenue.recognition import Months, Obligation, month_of


class AsInvoiced:
    method = RevenueMethod.AS_INVOICED
    title = "As invoiced"
    _as_worked = PercentComplete()

    def months(self, obligation: Obligation) -> Months:
        months: defaultdict[str, Fraction] = defaultdict(Fraction)
        for line in obligation.billing:
            amount = abs(Fraction(line.amount.amount))
            if line.due_on is not None:
                months[month_of(line.due_on)] += amount
                continue
            worked = self._as_worked.months(obligation)
            for month, weight in worked.items():
                months[month] += amount * weight / sum(worked.values())
        return months
