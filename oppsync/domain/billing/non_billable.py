"""Non-billable and internal work: nothing is invoiced; it still has a cost centre, hours and approvals."""

from __future__ import annotations

from collections.abc import Iterator

from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity, OpportunityLine
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.money import amount_text


class NonBillable:
    code = BillingModelCode.NON_BILLABLE
    title = "Non-billable"
    revenue_method = RevenueMethod.AS_INVOICED
    kinds: frozenset[LineKind] = frozenset()
    uses: frozenset[str] = frozenset()

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
        if line.net:
            net = amount_text(line.net, opportunity.currency)
            yield finding(
                "NON_BILLABLE_AMOUNT",
                f"{line.title} is not billable, but has a net amount of {net}",
                path=f"{path}/net",
                value=net,
            )

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        return ()
