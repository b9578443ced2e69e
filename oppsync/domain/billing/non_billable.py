"""Non-billable and internal work: nothing is invoiced; it still has a cost centre, hours and approvals."""

from __future__ import annotations

from collections.abc import Iterator

from oppsync.domain.findings import Finding, finding
from oppsync.domain.model import plain
from oppsync.domain.opportunity import BillingModelCode, Opportunity, OpportunityLine
from oppsync.domain.plan import BillingLine, LineKind
from oppsync.domain.workstream import Workstream


class NonBillable:
    code = BillingModelCode.NON_BILLABLE
    kinds: frozenset[LineKind] = frozenset()
    uses: frozenset[str] = frozenset()

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
        if line.net:
            yield finding(
                "NON_BILLABLE_AMOUNT",
                f"{line.title} is not billable, but has a net amount of {plain(line.net)}",
                path=f"{path}/net",
                value=plain(line.net),
            )

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        return ()
