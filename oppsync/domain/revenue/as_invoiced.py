"""As invoiced: revenue is what may be invoiced (the practical expedient of ASC 606-10-55-18).

Lines without a date, such as hours, are recognised as the work is planned; under a cap for each month, at most
the cap in each.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from oppsync.domain.billing.caps import billable_by_month
from oppsync.domain.billing.periods import days_in, months_of
from oppsync.domain.deal.billing_terms import CapScope
from oppsync.domain.plan.plan import BillingLine
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.revenue.percent_complete import PercentComplete
from oppsync.domain.revenue.recognition import Months, Obligation, month_of


class AsInvoiced:
    method = RevenueMethod.AS_INVOICED
    title = "As invoiced"
    _as_worked = PercentComplete()

    def months(self, obligation: Obligation) -> Months:
        months: defaultdict[str, Fraction] = defaultdict(Fraction)
        works = {part.key: part for part in obligation.workstream.parts}
        for line in obligation.billing:
            amount = abs(Fraction(line.amount.amount))
            if line.due_on is not None:
                months[month_of(line.due_on)] += amount
                continue
            work = works.get(line.path.partition(f"/{line.kind}/")[0], obligation.workstream)
            if capped := _capped_months(work, line):
                for month, weight in capped.items():
                    months[month] += weight
                continue
            worked = self._as_worked.months(obligation)
            for month, weight in worked.items():
                months[month] += amount * weight / sum(worked.values())
        return months


def _capped_months(work: Workstream, line: BillingLine) -> Months:
    """Compute what may be invoiced of a line's estimate in each calendar month; empty unless a cap for each
    month cuts it. Of a month of the contract, each calendar month has its days."""
    cap = work.terms.cap
    if line.estimate is None or cap is None or cap.scope is not CapScope.PERIOD:
        return {}
    months: defaultdict[str, Fraction] = defaultdict(Fraction)
    billable = billable_by_month(cap, line.estimate, work.starts_on, work.ends_on, work.period_basis)
    for period, amount in billable.items():
        for part in months_of(*period):
            months[month_of(part.starts_on)] += Fraction(amount.amount) * days_in(part) / days_in(period)
    return months
