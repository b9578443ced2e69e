"""Fixed fee on dates: equal instalments from the line's first to its last day.

Each is due on the last day of its period, the final one on the day the line ends (NetSuite's fixed bid,
interval); where a day of the month was agreed, on the first such day on or after that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from oppsync.domain.billing.calendar import due_day
from oppsync.domain.billing.periods import first_day, period_key, periods
from oppsync.domain.billing.terms import billing_day_findings
from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity, OpportunityLine
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import require


class Instalment(NamedTuple):
    """`key` names it in the line's path: by the period it is for, or `once`."""

    key: str
    due_on: date


class FixedFee:
    code = BillingModelCode.FIXED_FEE
    title = "Fixed fee"
    revenue_method = RevenueMethod.PERCENT_COMPLETE
    kinds = frozenset({LineKind.DATED})
    uses = frozenset({"day", "periods"})

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
        return billing_day_findings(opportunity, line, path)

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        schedule = instalments(workstream)
        amounts = workstream.amount.allocate([Decimal(1)] * len(schedule))
        return tuple(
            BillingLine(
                path=f"{workstream.key}/dated/{instalment.key}",
                kind=LineKind.DATED,
                description=f"{workstream.name}: instalment due {instalment.due_on.isoformat()}",
                amount=amount,
                due_on=instalment.due_on,
            )
            for instalment, amount in zip(schedule, amounts, strict=True)
        )


def instalments(workstream: Workstream) -> tuple[Instalment, ...]:
    """One instalment for each period; at least one."""
    frequency = require(workstream.terms.frequency, "the billing frequency")
    basis = workstream.period_basis
    return tuple(
        Instalment(
            key=period_key(period, period.ends_on, frequency, basis),
            due_on=due_day(first_day(period.ends_on, workstream.terms.day), workstream.seller),
        )
        for period in periods(workstream.starts_on, workstream.ends_on, frequency, basis)
    )
