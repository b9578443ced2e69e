"""Fixed fee by percent complete: one amount, invoiced as the work proceeds.

Measured by hours done of the hours planned, an input method (NetSuite's fixed bid with percent complete,
Tryton's invoice method `progress`).
"""

from __future__ import annotations

from collections.abc import Iterator

from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity, OpportunityLine
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding


class FixedFeeProgress:
    code = BillingModelCode.FIXED_FEE_PROGRESS
    title = "Fixed fee, percent complete"
    revenue_method = RevenueMethod.PERCENT_COMPLETE
    kinds = frozenset({LineKind.PROGRESS})
    uses: frozenset[str] = frozenset()

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
        if line.planned_hours is None or line.planned_hours <= 0:
            yield finding(
                "FIELD_MISSING",
                f"{line.title} is invoiced by percent complete, but has no planned hours to measure it by",
                path=f"{path}/planned_hours",
                fix="Fill the planned hours of the line in the CRM.",
            )

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        return (
            BillingLine(
                path=f"{workstream.key}/progress/fee",
                kind=LineKind.PROGRESS,
                description=f"{workstream.name}: fee by percent complete",
                amount=workstream.amount,
            ),
        )
