"""Retainer: the same amount each period, in advance, with hours included (Certinia PSA's retainers).

Unused hours lapse, are carried on up to a number, or are all carried on, as the terms say.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from oppsync.domain.billing.periodic import hours_in, months_worth, periodic_findings, periodic_lines
from oppsync.domain.billing.periods import Period
from oppsync.domain.billing.terms import pointer
from oppsync.domain.deal.billing_terms import Retainer, Rollover, Timing
from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity, OpportunityLine
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import plain, require


class RetainerBilling:
    code = BillingModelCode.RETAINER
    title = "Retainer"
    revenue_method = RevenueMethod.STRAIGHT_LINE
    kinds = frozenset({LineKind.DATED})
    uses = frozenset({"day", "periods", "retainer"})

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
        yield from periodic_findings(opportunity, line, path)
        retainer = opportunity.billing_of(line).retainer
        here = pointer(opportunity, line, path, "retainer")
        if retainer is None or retainer.hours is None:
            yield finding(
                "RETAINER_HOURS_MISSING",
                f"{line.title} is a retainer, but has no included hours each month",
                path=f"{here}/hours",
            )
        elif retainer.hours <= 0:
            yield finding(
                "RETAINER_INVALID",
                f"The retainer {line.title} includes {plain(retainer.hours)} hours each month",
                path=f"{here}/hours",
                value=plain(retainer.hours),
            )
        else:
            yield from _rollover_findings(line, retainer, f"{here}/rollover_hours")

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        included = require(require(workstream.terms.retainer, "the retainer").hours, "the hours included")

        def months(period: Period) -> Fraction:
            return months_worth(workstream, period)

        def hours(period: Period) -> Decimal:
            return hours_in(included, months(period))

        return periodic_lines(workstream, Timing.IN_ADVANCE, months, hours)


def _rollover_findings(line: OpportunityLine, retainer: Retainer, path: str) -> Iterator[Finding]:
    most = retainer.rollover_hours
    if retainer.rollover is Rollover.CAPPED and (most is None or most <= 0):
        yield finding(
            "RETAINER_INVALID",
            f"The retainer {line.title} has a capped rollover, and its limit is "
            f"{'missing' if most is None else plain(most)}",
            path=path,
            value="" if most is None else plain(most),
        )
