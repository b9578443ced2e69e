"""A made-up billing model, written by the guide: a fee that is due on success."""

from __future__ import annotations

from collections.abc import Iterator

from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity, OpportunityLine
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding


class SuccessFee:
    code = BillingModelCode("success_fee")
    title = "Success fee"
    revenue_method = RevenueMethod.MILESTONE
    kinds = frozenset({LineKind.MILESTONE})
    uses: frozenset[str] = frozenset()

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
        if not line.description:
            yield finding(
                "FIELD_MISSING", f"{line.title} does not say what success is", path=f"{path}/description"
            )

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        return (
            BillingLine(
                path=f"{workstream.key}/success",
                kind=LineKind.MILESTONE,
                description=f"{workstream.name}: on success",
                amount=workstream.amount,
                due_on=workstream.ends_on,
            ),
        )
