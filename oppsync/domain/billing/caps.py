"""Caps of time and materials: what was sold under each of them, and what of it may be invoiced.

What was sold is the estimate. A cap for the contract is shared by its lines in proportion to what was sold on
each. One for each month holds in every month of the calendar, or of the contract where those are its periods,
for which the estimate is spread over the days of the line. Any other holds for the line it stands on (the
not-to-exceed limit of Dynamics 365 Project Operations).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from oppsync.domain.billing.periods import Period, days_in, periods
from oppsync.domain.deal.billing_terms import BillingFrequency, Cap, CapScope, PeriodBasis
from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity, OpportunityLine
from oppsync.domain.deal.signed_nets import rounding_of_lines
from oppsync.domain.values.date_ranges import is_workable
from oppsync.domain.values.hours import finest
from oppsync.domain.values.model import require
from oppsync.domain.values.money import TOO_LARGE, Money, allocate, current_currencies, minor_unit
from oppsync.domain.values.pricing import net_of

_WHOLE = Decimal(100)
_CENT = Decimal("0.01")


class Charge(NamedTuple):
    """The parts of an amount that may and may not be invoiced, and whether people have to be warned by now."""

    billable: Decimal
    beyond: Decimal
    warns: bool


def charge(limit: Decimal, warning_percent: Decimal, before: Decimal, amount: Decimal) -> Charge:
    """`amount`, after `before` was invoiced under the same `limit`. A credit gives room back."""
    billable = min(amount, max(limit - before, Decimal(0)))
    used = before + billable
    return Charge(billable, amount - billable, used * 100 >= limit * warning_percent)


class MonthUse(NamedTuple):
    """The amounts sold and planned in a month, and the sold part that may be invoiced."""

    period: Period
    sold: Decimal
    planned: Decimal
    billable: Decimal


class CapUse(NamedTuple):
    """The lines under one cap, by their positions in the deal, with what was sold on each and what of it may be
    invoiced. `planned` is the price of the hours sold, or of those planned where they are more. `months`: of a
    cap for each month."""

    cap: Cap
    limit: Decimal
    lines: tuple[int, ...]
    sold: tuple[Decimal, ...]
    billable: tuple[Decimal, ...]
    planned: Decimal
    months: tuple[MonthUse, ...] = ()

    @property
    def beyond(self) -> Decimal:
        return sum(self.sold, start=Decimal(0)) - sum(self.billable, start=Decimal(0))


def is_usable(cap: Cap, currency: str | None) -> bool:
    """Whether it has an amount that can be invoiced, in whole minor units, and a warning in range; one that has
    not has a finding of its own."""
    amount = cap.amount
    if amount is None or amount <= 0 or amount % _unit(currency):
        return False
    return 0 < cap.warning_percent <= _WHOLE


def cap_uses(opportunity: Opportunity) -> tuple[CapUse, ...]:
    """Every usable cap of the deal, in the order of its lines; that of the contract comes last."""
    return tuple(_uses(opportunity))


def beyond_caps(opportunity: Opportunity) -> Decimal:
    """What was sold and may not be invoiced."""
    return sum((use.beyond for use in cap_uses(opportunity)), start=Decimal(0))


def billable_of_lines(opportunity: Opportunity) -> Mapping[int, Decimal]:
    """Compute what may be invoiced of each line that is under a cap, by its position."""
    return {
        line: amount
        for use in cap_uses(opportunity)
        for line, amount in zip(use.lines, use.billable, strict=True)
    }


def billable_by_month(
    cap: Cap, estimate: Money, starts_on: date, ends_on: date, basis: PeriodBasis
) -> Mapping[Period, Money]:
    """Compute the part of an estimate spread over days that may be invoiced in each month."""
    unit = minor_unit(estimate.currency)
    months, limit = _months(starts_on, ends_on, basis), _limit(cap)
    shares = _spread(estimate.amount, months, unit)
    return {
        month: Money(amount=min(share, limit), currency=estimate.currency)
        for month, share in zip(months, shares, strict=True)
    }


def contract_caps(opportunity: Opportunity) -> Mapping[int, Cap]:
    """The usable caps for the whole contract, by the positions of the lines that name them. A contract has one
    such cap; where they differ, that has a finding of its own."""
    caps = ((index, _cap_of(opportunity, line)) for index, line in enumerate(opportunity.lines))
    return {index: cap for index, cap in caps if cap is not None and cap.scope is CapScope.CONTRACT}


def _uses(opportunity: Opportunity) -> Iterator[CapUse]:
    rounding, unit = rounding_of_lines(opportunity), _unit(opportunity.currency)
    for index, line in enumerate(opportunity.lines):
        cap = _cap_of(opportunity, line)
        if cap is None or cap.scope is CapScope.CONTRACT:
            continue
        sold, limit = line.net + rounding[index], _limit(cap)
        if cap.scope is CapScope.PERIOD:
            if months := _by_month(opportunity, line, sold, limit, unit):
                billable = sum((month.billable for month in months), start=Decimal(0))
                yield CapUse(cap, limit, (index,), (sold,), (billable,), _planned(line, sold), months)
            continue
        yield CapUse(cap, limit, (index,), (sold,), (min(sold, limit),), _planned(line, sold))
    if together := contract_caps(opportunity):
        lines = [opportunity.lines[index] for index in together]
        sold_on = [line.net + rounding[index] for index, line in zip(together, lines, strict=True)]
        cap = min(together.values(), key=lambda each: require(each.amount, "the cap"))
        planned = [_planned(line, sold) for line, sold in zip(lines, sold_on, strict=True)]
        limit = _limit(cap)
        yield CapUse(
            cap,
            limit,
            tuple(together),
            tuple(sold_on),
            _shared(limit, sold_on, unit),
            sum(planned, start=Decimal(0)),
        )


def _cap_of(opportunity: Opportunity, line: OpportunityLine) -> Cap | None:
    if opportunity.billing_model_of(line) != BillingModelCode.TIME_AND_MATERIALS_CAPPED or line.net <= 0:
        return None
    cap = opportunity.billing_of(line).cap
    return cap if cap is not None and is_usable(cap, opportunity.currency) else None


def _limit(cap: Cap) -> Decimal:
    return min(require(cap.amount, "the cap"), TOO_LARGE)


def _shared(limit: Decimal, sold: Sequence[Decimal], unit: Decimal) -> tuple[Decimal, ...]:
    return tuple(sold) if sum(sold) <= limit else allocate(limit, sold, unit)


def _by_month(
    opportunity: Opportunity, line: OpportunityLine, sold: Decimal, limit: Decimal, unit: Decimal
) -> tuple[MonthUse, ...]:
    """Empty where the line has no run that can be planned; that has a finding of its own."""
    start, end = opportunity.start_of(line), opportunity.end_of(line)
    if start is None or end is None or not is_workable(start, end):
        return ()
    months = _months(start, end, opportunity.billing_of(line).periods or PeriodBasis.CALENDAR)
    planned = _spread(_planned(line, sold), months, unit)
    return tuple(
        MonthUse(month, share, more, min(share, limit))
        for month, share, more in zip(months, _spread(sold, months, unit), planned, strict=True)
    )


def _months(starts_on: date, ends_on: date, basis: PeriodBasis) -> tuple[Period, ...]:
    return periods(starts_on, ends_on, BillingFrequency.MONTHLY, basis)


def _spread(amount: Decimal, months: Sequence[Period], unit: Decimal) -> tuple[Decimal, ...]:
    days = [Decimal(days_in(month)) for month in months]
    return allocate(amount, days, finest(amount, unit))


def _planned(line: OpportunityLine, sold: Decimal) -> Decimal:
    """The price of the hours sold, or of the hours planned where they are more."""
    if line.planned_hours is None or line.planned_hours <= line.quantity:
        return sold
    return net_of(line.planned_hours, line.unit_price, line.discount_percent)


def _unit(currency: str | None) -> Decimal:
    """The minor unit; a cent in a currency that nobody knows, which has a finding of its own."""
    return minor_unit(currency) if currency in current_currencies() else _CENT  # type: ignore[arg-type]
