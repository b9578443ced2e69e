"""The dates of billing schedules: periods between two days, days of the month, anniversaries, parts of months.

Periods are calendar months, the partial first and last ones too, as in NetSuite's fixed bid, interval; or
months of the contract, counted from its first day, of which only the last may be partial. A quarter is three
months and a year twelve, counted from the first one."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from itertools import count
from typing import NamedTuple

from oppsync.domain.deal.billing_terms import BillingFrequency, PeriodBasis
from oppsync.domain.reference.billing_policy import Proration

_MONTHS = {BillingFrequency.MONTHLY: 1, BillingFrequency.QUARTERLY: 3, BillingFrequency.YEARLY: 12}
_DECEMBER = 12
_THIRTY = 30


class Period(NamedTuple):
    """Both days belong to it."""

    starts_on: date
    ends_on: date


def periods(
    starts_on: date,
    ends_on: date,
    frequency: BillingFrequency,
    basis: PeriodBasis = PeriodBasis.CALENDAR,
) -> tuple[Period, ...]:
    """The periods of a run, without gap; at least one. `once` is one period."""
    if frequency is BillingFrequency.ONCE:
        return (Period(starts_on, ends_on),)
    of_basis = contract_months if basis is PeriodBasis.CONTRACT else months_of
    months = tuple(of_basis(starts_on, ends_on))
    step = _MONTHS[frequency]
    chunks = (months[index : index + step] for index in range(0, len(months), step))
    return tuple(Period(chunk[0].starts_on, chunk[-1].ends_on) for chunk in chunks)


def days_in(period: Period) -> int:
    return (period.ends_on - period.starts_on).days + 1


def period_key(period: Period, day: date, frequency: BillingFrequency, basis: PeriodBasis) -> str:
    """Name a period in the path of its line: never an index, which a change of the run would move.

    By the month in which it is due (`day`): `2026-06`; a period of the contract by its first day: `2026-06-15`.
    """
    if frequency is BillingFrequency.ONCE:
        return "once"
    return f"{period.starts_on:%Y-%m-%d}" if basis is PeriodBasis.CONTRACT else f"{day:%Y-%m}"


def months_of(starts_on: date, ends_on: date) -> Iterator[Period]:
    """The part of each calendar month that lies between the two days."""
    first = starts_on
    while (last := day_in_month(first.year, first.month, 31)) < ends_on:
        yield Period(first, last)
        first = last + timedelta(days=1)
    if first <= ends_on:
        yield Period(first, ends_on)


def contract_months(starts_on: date, ends_on: date) -> Iterator[Period]:
    """Months counted from the first day of the run: from the 15th to the 14th; the last one may be partial.

    A run from the last days of a month has shorter months begin on their last day.
    """
    for number in count():
        begin, after = months_later(starts_on, number), months_later(starts_on, number + 1)
        if begin > ends_on:
            return
        yield Period(begin, min(after - timedelta(days=1), ends_on))


def contract_months_in(starts_on: date, period: Period) -> Fraction:
    """How many months of the contract a period is worth: a whole one is one, a part counts by its days."""
    worth = Fraction(0)
    for number in count():
        begin, after = months_later(starts_on, number), months_later(starts_on, number + 1)
        if begin > period.ends_on:
            return worth
        first, last = max(begin, period.starts_on), min(after - timedelta(days=1), period.ends_on)
        if first <= last:
            worth += Fraction((last - first).days + 1, (after - begin).days)
    raise AssertionError("a period ends")


def months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, _DECEMBER)
    return day_in_month(day.year + years, month + 1, day.day)


def day_in_month(year: int, month: int, day: int) -> date:
    """This day of the month, or the month's last day where it has no such day."""
    return date(year, month, min(day, monthrange(year, month)[1]))


def first_day(on_or_after: date, day: int | None) -> date:
    """The first date on or after `on_or_after` with this day of the month; that date itself when no day was
    agreed."""
    if day is None:
        return on_or_after
    this_month = day_in_month(on_or_after.year, on_or_after.month, day)
    if this_month >= on_or_after:
        return this_month
    years, month = divmod(on_or_after.month, _DECEMBER)
    return day_in_month(on_or_after.year + years, month + 1, day)


def anniversary(day: date, years: int) -> date:
    """`years` later; the end of a month stays the end of it."""
    is_last = day == day_in_month(day.year, day.month, 31)
    return day_in_month(day.year + years, day.month, 31 if is_last else day.day)


def months_in(starts_on: date, ends_on: date, proration: Proration) -> Fraction:
    """How many months a period is worth: a whole month is one, a part counts by the policy."""
    count = _of_thirty if proration is Proration.THIRTY_360 else _of_its_days
    return sum((count(part) for part in months_of(starts_on, ends_on)), start=Fraction(0))


def _of_its_days(part: Period) -> Fraction:
    return Fraction(days_in(part), monthrange(part.starts_on.year, part.starts_on.month)[1])


def _of_thirty(part: Period) -> Fraction:
    is_last = part.ends_on == day_in_month(part.ends_on.year, part.ends_on.month, 31)
    until = _THIRTY if is_last else min(part.ends_on.day, _THIRTY)
    return Fraction(until - min(part.starts_on.day, _THIRTY) + 1, _THIRTY)
