"""Deals whose caps differ, or leave no room for what was sold."""

from __future__ import annotations

from oppsync.domain.deal.billing_terms import (
    CapScope,
)
from tests.harness import builders as make
from tests.unit.faults.case import Case, capped

CASES = [
    Case(
        "two caps for one contract",
        "CAPS_DIFFER",
        "/lines/1/billing/cap",
        "Architecture has a cap of EUR 30,000.00 (warning at 80 %), and Discovery has one of EUR 20,000.00",
        make.opportunity(
            make.capped_line(
                id="00kA", description="Discovery", billing=capped("20000", scope=CapScope.CONTRACT)
            ),
            make.capped_line(
                id="00kB", description="Architecture", billing=capped("30000", scope=CapScope.CONTRACT)
            ),
        ),
    ),
    Case(
        "more sold than the cap",
        "CAP_BELOW_AMOUNT",
        "/lines/0/billing/cap/amount",
        "EUR 14,400.00 was sold under a cap of EUR 14,000.00; EUR 400.00 is planned as not billable",
        make.opportunity(make.capped_line(billing=capped("14000"))),
    ),
    Case(
        "planned near to the cap",
        "CAP_NEARLY_REACHED",
        "/lines/0/billing/cap/amount",
        "EUR 14,400.00 is planned under a cap of EUR 16,000.00, which is 90 % of it; "
        "the warning starts at 80 %",
        make.opportunity(make.capped_line(billing=capped("16000"))),
    ),
]
