"""The protocol of a billing model: what it needs of a deal's line, and the billing lines it makes of a
workstream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity, OpportunityLine
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.values.findings.finding import Finding


class BillingModel(Protocol):
    """`kinds` are those of the lines it makes; an ERP that cannot hold them cannot carry the model.

    `title` is its name for people. `revenue_method` is how its revenue is recognised unless the entity's
    policy has another method. `uses` are the names of the `BillingTerms` that it uses: only those are kept in
    the plan.
    """

    code: BillingModelCode
    title: str
    revenue_method: RevenueMethod
    kinds: frozenset[LineKind]
    uses: frozenset[str]

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterable[Finding]:
        """Find what this model needs and `line` lacks; `path` is the line's place (JSON pointer) in the
        opportunity."""

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        """The billing schedule of a validated workstream; amounts sum to the workstream's, exactly.

        The lines of a negative amount (a credit) mirror those of the positive amount.
        """
