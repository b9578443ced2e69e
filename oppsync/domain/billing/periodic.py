"""Shared by retainers and managed services: one dated line a period, partial periods by the entity's
policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import MAXYEAR, date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from oppsync.domain.billing.calendar import due_day
from oppsync.domain.billing.periods import (
    Period,
    contract_months,
    contract_months_in,
    days_in,
    first_day,
    months_in,
    months_later,
    period_key,
    periods,
)
from oppsync.domain.billing.terms import billing_day_findings
from oppsync.domain.deal.billing_terms import BillingFrequency, PeriodBasis, Timing
from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine, Unit
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import Proration
from oppsync.domain.values.date_ranges import is_workable
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import plain, require

# Whole months that begin inside a calendar month may count for a little less or more than their number.
_TOLERANCE = Fraction(1, 2)
# A run is at most ten years long.
_MOST_MONTHS = 120
_HOURS_STEP = Decimal("0.01")


def periodic_lines(
    workstream: Workstream,
    timing: Timing,
    weight: Callable[[Period], Fraction],
    hours: Callable[[Period], Decimal | None],
) -> tuple[BillingLine, ...]:
    """The workstream's amount divided by the `weight` of each period, due when the period begins or ends."""
    frequency = require(workstream.terms.frequency, "the billing frequency")
    run = periods(workstream.starts_on, workstream.ends_on, frequency, workstream.period_basis)
    amounts = workstream.amount.allocate([weight(period) for period in run])
    return tuple(
        BillingLine(
            path=f"{workstream.key}/dated/{_key(period, timing, frequency, workstream)}",
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


def months_worth(workstream: Workstream, period: Period) -> Fraction:
    """How many months' price a period is worth, by the months that the workstream's periods are made of."""
    if workstream.period_basis is PeriodBasis.CONTRACT:
        return contract_months_in(workstream.starts_on, period)
    return months_in(period.starts_on, period.ends_on, workstream.seller.billing_policy.proration)


def hours_in(each_month: Decimal, months: Fraction) -> Decimal:
    """The hours of some months, to a hundredth."""
    exact = months * Fraction(each_month)
    return (Decimal(exact.numerator) / exact.denominator).quantize(_HOURS_STEP, ROUND_HALF_EVEN)


def periodic_findings(opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
    """Findings about the day of the month, and about a number of months sold that the line's dates do not
    have."""
    yield from billing_day_findings(opportunity, line, path)
    start, end = opportunity.start_of(line), opportunity.end_of(line)
    if line.unit is not Unit.MONTH or start is None or end is None or not is_workable(start, end):
        return
    if opportunity.billing_of(line).periods is PeriodBasis.CONTRACT:
        yield from _contract_months_findings(line, Period(start, end), path)
        return
    months = months_in(start, end, Proration.CALENDAR_DAYS)
    if abs(months - Fraction(line.quantity)) > _TOLERANCE:
        yield _mismatch(line, Period(start, end), path, f"{float(months):.1f} months")


def _contract_months_findings(line: OpportunityLine, run: Period, path: str) -> Iterator[Finding]:
    """A whole month that was sold is billed at its price, so that the run has as many, to the day."""
    months, sold = contract_months_in(run.starts_on, run), Fraction(line.quantity)
    *_, last = contract_months(*run)
    if months == sold or (_is_partial(months) and _is_partial(sold) and _is_nearest(months, sold, run)):
        return
    days = days_in(last) if _is_partial(months) else 0
    more = f" and {days} {'day' if days == 1 else 'days'}" if days else ""
    yield _mismatch(
        line, run, path, f"{int(months)} months{more} of the contract", _end_of(run.starts_on, sold)
    )


def _is_nearest(months: Fraction, sold: Fraction, run: Period) -> bool:
    """Check that no other number of days comes nearer to the part of a month that was sold. Half a month of
    31 days is 15 or 16 of them."""
    whole = int(months)
    days = (months_later(run.starts_on, whole + 1) - months_later(run.starts_on, whole)).days
    return abs(months - sold) * days <= Fraction(1, 2)


def _end_of(start: date, months: Fraction) -> str:
    """Advise an end: the day on which this many whole months end; empty where none can be named."""
    if _is_partial(months) or not 0 < months <= _MOST_MONTHS or start.year + 10 >= MAXYEAR:
        return ""
    end = months_later(start, int(months)) - timedelta(days=1)
    return (
        f"{months} months from {start} end on {end}. Correct the quantity or the dates of the line in the CRM."
    )


def _is_partial(months: Fraction) -> bool:
    return months.denominator > 1


def _mismatch(line: OpportunityLine, run: Period, path: str, months: str, fix: str = "") -> Finding:
    sold, start, end = plain(line.quantity), run.starts_on, run.ends_on
    return finding(
        "MONTHS_MISMATCH",
        f"{line.title} was sold for {sold} months, but runs from {start} to {end}: {months}",
        path=f"{path}/quantity",
        value=sold,
        fix=fix,
    )


def _key(period: Period, timing: Timing, frequency: BillingFrequency, workstream: Workstream) -> str:
    return period_key(period, _begin_or_end(period, timing), frequency, workstream.period_basis)


def _due(period: Period, timing: Timing, workstream: Workstream) -> date:
    return due_day(first_day(_begin_or_end(period, timing), workstream.terms.day), workstream.seller)


def _begin_or_end(period: Period, timing: Timing) -> date:
    return period.starts_on if timing is Timing.IN_ADVANCE else period.ends_on
