"""Shared by retainers and managed services: one dated line a period, partial periods by the entity's
policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from oppsync.domain.billing.calendar import due_day
from oppsync.domain.billing.periods import Period, first_day, months_in, periods
from oppsync.domain.billing.terms import billing_day_findings
from oppsync.domain.deal.billing_terms import BillingFrequency, Timing
from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine, Unit
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import Proration
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import plain, require

# Whole months that begin inside a calendar month may count for a little less or more than their number.
_TOLERANCE = Fraction(1, 2)
_HOURS_STEP = Decimal("0.01")


def periodic_lines(
    workstream: Workstream,
    timing: Timing,
    weight: Callable[[Period], Fraction],
    hours: Callable[[Period], Decimal | None],
) -> tuple[BillingLine, ...]:
    """The workstream's amount divided by the `weight` of each period, due when the period begins or ends."""
    frequency = require(workstream.terms.frequency, "the billing frequency")
    run = periods(workstream.starts_on, workstream.ends_on, frequency)
    amounts = workstream.amount.allocate([weight(period) for period in run])
    return tuple(
        BillingLine(
            path=f"{workstream.key}/dated/{_key(period, timing, frequency)}",
            kind=LineKind.DATED,
            description=f"{workstream.name}: {period.starts_on.isoformat()} to {period.ends_on.isoformat()}",
            amount=amount,
            due_on=_due(period, timing, workstream),
            hours=hours(period),
            period_starts_on=period.starts_on,
            period_ends_on=period.ends_on,
        )
        for period, amount in zip(run, amounts, strict=True)
    )


def monthly_hours(each_month: Decimal, period: Period, proration: Proration) -> Decimal:
    """The hours of a period at `each_month` hours a month, to a hundredth."""
    exact = months_in(period.starts_on, period.ends_on, proration) * Fraction(each_month)
    return (Decimal(exact.numerator) / exact.denominator).quantize(_HOURS_STEP, ROUND_HALF_EVEN)


def periodic_findings(opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
    """Findings about the day of the month, and about a number of months sold that the line's dates do not
    have."""
    yield from billing_day_findings(opportunity, line, path)
    start, end = opportunity.start_of(line), opportunity.end_of(line)
    if line.unit is not Unit.MONTH or start is None or end is None or end < start:
        return
    months = months_in(start, end, Proration.CALENDAR_DAYS)
    if abs(months - Fraction(line.quantity)) > _TOLERANCE:
        yield finding(
            "MONTHS_MISMATCH",
            f"{line.title} was sold for {plain(line.quantity)} months, but runs from {start} to {end}: "
            f"{float(months):.1f} months",
            path=f"{path}/quantity",
            value=plain(line.quantity),
        )


def _key(period: Period, timing: Timing, frequency: BillingFrequency) -> str:
    """The month of its due date. Never an index, which would move when the line's dates change."""
    if frequency is BillingFrequency.ONCE:
        return "once"
    return f"{_begin_or_end(period, timing):%Y-%m}"


def _due(period: Period, timing: Timing, workstream: Workstream) -> date:
    return due_day(first_day(_begin_or_end(period, timing), workstream.terms.day), workstream.seller)


def _begin_or_end(period: Period, timing: Timing) -> date:
    return period.starts_on if timing is Timing.IN_ADVANCE else period.ends_on
