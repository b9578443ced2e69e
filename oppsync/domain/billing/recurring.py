"""Managed service: the same price each period, in advance or in arrears, raised on each anniversary if agreed.

A raise inside a period counts from the day it takes effect.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from itertools import count

from oppsync.domain.billing.periodic import months_worth, periodic_findings, periodic_lines
from oppsync.domain.billing.periods import Period, anniversary
from oppsync.domain.billing.terms import pointer
from oppsync.domain.deal.billing_terms import Timing
from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity, OpportunityLine, Unit
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import plain

_HIGHEST_PERCENT = 100


class Recurring:
    """In advance unless the terms say in arrears."""

    code = BillingModelCode.RECURRING
    title = "Managed service"
    revenue_method = RevenueMethod.STRAIGHT_LINE
    kinds = frozenset({LineKind.DATED})
    uses = frozenset({"day", "timing", "indexation_percent", "periods"})

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
        yield from periodic_findings(opportunity, line, path)
        percent = opportunity.billing_of(line).indexation_percent
        place = pointer(opportunity, line, path, "indexation_percent")
        if percent is None:
            return
        if not 0 <= percent <= _HIGHEST_PERCENT:
            yield finding(
                "INDEXATION_INVALID",
                f"{line.title} has a yearly price increase of {plain(percent)} %",
                path=place,
                value=plain(percent),
            )
        elif percent and line.unit is Unit.MONTH:
            yield finding(
                "INDEXATION_INVALID",
                f"{line.title} has a yearly price increase of {plain(percent)} %, but is sold at one price "
                "for every month",
                path=place,
                value=plain(percent),
                fix="Sell the line in the CRM as one unit, at the amount of the whole run with all increases.",
            )

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        timing = workstream.terms.timing or Timing.IN_ADVANCE
        return periodic_lines(workstream, timing, lambda period: _worth(period, workstream), lambda _: None)


def _worth(period: Period, workstream: Workstream) -> Fraction:
    """Months of the first year's price: after the first anniversary a month is worth more than one."""
    raised = 1 + Fraction(workstream.terms.indexation_percent or 0) / 100
    total = Fraction(0)
    for years in count():
        begin = anniversary(workstream.starts_on, years)
        if begin > period.ends_on:
            return total
        end = anniversary(workstream.starts_on, years + 1) - timedelta(days=1)
        if end >= period.starts_on:
            part = Period(max(begin, period.starts_on), min(end, period.ends_on))
            total += months_worth(workstream, part) * raised**years
    raise AssertionError("a period ends")
