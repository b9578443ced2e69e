"""Checks of terms that several billing models share, and the place of a term in the opportunity."""

from __future__ import annotations

from collections.abc import Iterator

from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine
from oppsync.domain.reference.billing_policy import BillingPolicy
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import changed

_LONGEST_MONTH = 31


def pointer(opportunity: Opportunity, line: OpportunityLine, path: str, name: str) -> str:
    """JSON pointer of the term `name` of `line`, which stands at `path`: the line's own, or the contract's."""
    is_contracts = (
        getattr(line.billing, name) is None and getattr(opportunity.contract.billing, name) is not None
    )
    return f"/contract/billing/{name}" if is_contracts else f"{path}/billing/{name}"


def with_periods(opportunity: Opportunity, policy: BillingPolicy) -> Opportunity:
    """Say on the deal what its periods are: where its terms leave it open, by the policy of the entity."""
    contract = opportunity.contract
    if contract.billing_periods is not None:
        return opportunity
    return changed(opportunity, contract=changed(contract, billing_periods=policy.period_basis))


def billing_day_findings(opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
    day = opportunity.billing_of(line).day
    if day is not None and not 1 <= day <= _LONGEST_MONTH:
        yield finding(
            "BILLING_DAY_INVALID",
            f"{line.title} is invoiced on day {day} of the month",
            path=pointer(opportunity, line, path, "day"),
            value=day,
        )
