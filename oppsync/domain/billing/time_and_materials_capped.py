"""Time and materials, not to exceed: hours at the role's rate up to a cap; nothing beyond it is billable.

The cap is one of the workstream's terms. What was sold is the estimate; `caps` says what of it may be invoiced.
"""

from __future__ import annotations

from collections.abc import Iterator

from oppsync.domain.billing.caps import is_usable
from oppsync.domain.billing.terms import pointer
from oppsync.domain.billing.time_and_materials import TimeAndMaterials
from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity, OpportunityLine
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import plain
from oppsync.domain.values.money import amount_text


class TimeAndMaterialsCapped:
    code = BillingModelCode.TIME_AND_MATERIALS_CAPPED
    title = "Time and materials, capped"
    revenue_method = RevenueMethod.AS_INVOICED
    kinds = frozenset({LineKind.TIME})
    uses = frozenset({"cap", "periods"})
    _time = TimeAndMaterials()

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
        yield from self._time.findings(opportunity, line, path)
        cap = opportunity.billing_of(line).cap
        here = pointer(opportunity, line, path, "cap")
        if cap is None or cap.amount is None:
            yield finding(
                "CAP_MISSING",
                f"{line.title} is time and materials with a cap, but has no cap amount",
                path=f"{here}/amount",
            )
        elif not is_usable(cap, opportunity.currency):
            yield finding(
                "CAP_INVALID",
                f"{line.title} has a cap of {amount_text(cap.amount, opportunity.currency)}, with a warning at "
                f"{plain(cap.warning_percent)} % of it",
                path=here,
                value=amount_text(cap.amount, opportunity.currency),
            )

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        """The same lines as time and materials; the cap is one of the workstream's terms."""
        return self._time.lines(workstream)
