"""Plan a fixed fee whose entity recognises by the method that was added to this tree."""

from __future__ import annotations

import json
import sys

from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.reference.billing_policy import BillingPolicy, RevenueMethod
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.revenue.table import method_of
from oppsync.domain.values.model import changed
from sandbox.firm.demo_firm import reference_rows
from tests.harness import builders as make
from web.pages.statuses import REVENUE_METHODS


def main() -> None:
    method = RevenueMethod("at_start")
    policy = BillingPolicy(recognises_revenue=True, revenue_methods={BillingModelCode.FIXED_FEE: method})
    row = next(each for each in reference_rows() if each.key == "ACME-DE" and each.kind == "legal_entity")
    entity = changed(LegalEntity.model_validate(row.value), billing_policy=policy)
    book = make.book(changed(row, value=entity.model_dump(mode="json")))
    plan = make.content(make.opportunity(make.fixed_line()), book)
    earned = next(node.revenue for node in plan.nodes if node.revenue)
    seen = {
        "method": method_of(BillingModelCode.FIXED_FEE, policy),
        "title": REVENUE_METHODS[method],
        "earned": [[line.period, line.amount.text] for line in earned.lines],
    }
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()
