"""The dates of schedules: periods without gap, days that short months do not have, parts of months."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppsync.domain.billing.calendar import due_day
from oppsync.domain.billing.periods import (
    Period,
    anniversary,
    contract_months,
    contract_months_in,
    day_in_month,
    first_day,
    months_in,
    periods,
)
from oppsync.domain.deal.billing_terms import BillingFrequency, PeriodBasis
from oppsync.domain.reference.billing_policy import BillingPolicy, Proration
from oppsync.domain.reference.public_holidays import is_business_day, is_known
from oppsync.domain.values.model import changed
from tests.harness import builders as make

DAYS = st.dates(date(2020, 1, 1), date(2040, 1, 1))
DE, US = make.legal_entity("ACME-DE"), make.legal_entity("ACME-US")


@given(start=DAYS, days=st.integers(0, 2_000), frequency=st.sampled_from(BillingFrequency))
def test_periods_follow_one_another_from_the_first_day_to_the_last(
    start: date, days: int, frequency: BillingFrequency
) -> None:
    end = start + timedelta(days=days)

    found = periods(start, end, frequency)

    assert (found[0].starts_on, found[-1].ends_on) == (start, end)
    for before, after in pairwise(found):
        assert after.starts_on == before.ends_on + timedelta(days=1)
        assert after.starts_on.day == 1


def test_a_year_is_twelve_months_counted_from_the_first() -> None:
    found = periods(date(2026, 2, 10), date(2027, 3, 9), BillingFrequency.YEARLY)

    assert found == (
        (date(2026, 2, 10), date(2027, 1, 31)),
        (date(2027, 2, 1), date(2027, 3, 9)),
    )


@pytest.mark.parametrize(
    ("year", "month", "day", "found"),
    [
        (2026, 2, 31, date(2026, 2, 28)),
        (2028, 2, 30, date(2028, 2, 29)),
        (2026, 4, 31, date(2026, 4, 30)),
        (2026, 4, 30, date(2026, 4, 30)),
    ],
)
def test_a_short_month_has_its_last_day(year: int, month: int, day: int, found: date) -> None:
    assert day_in_month(year, month, day) == found


@pytest.mark.parametrize(
    ("on_or_after", "day", "found"),
    [
        (date(2026, 6, 1), None, date(2026, 6, 1)),
        (date(2026, 6, 15), 15, date(2026, 6, 15)),
        (date(2026, 6, 16), 15, date(2026, 7, 15)),
        (date(2026, 12, 16), 15, date(2027, 1, 15)),
        (date(2026, 1, 31), 30, date(2026, 2, 28)),
        (date(2026, 2, 1), 31, date(2026, 2, 28)),
    ],
)
def test_the_first_such_day_from_a_date_on(on_or_after: date, day: int | None, found: date) -> None:
    assert first_day(on_or_after, day) == found


@pytest.mark.parametrize(
    ("day", "years", "found"),
    [
        (date(2026, 1, 15), 2, date(2028, 1, 15)),
        (date(2028, 2, 29), 1, date(2029, 2, 28)),
        (date(2027, 2, 28), 1, date(2028, 2, 29)),
        (date(2028, 2, 28), 1, date(2029, 2, 28)),
    ],
)
def test_the_end_of_a_month_stays_its_end(day: date, years: int, found: date) -> None:
    assert anniversary(day, years) == found


@pytest.mark.parametrize(
    ("start", "end", "by_days", "of_thirty"),
    [
        (date(2026, 6, 1), date(2026, 8, 31), Fraction(3), Fraction(3)),
        (date(2026, 1, 15), date(2026, 1, 31), Fraction(17, 31), Fraction(16, 30)),
        (date(2026, 2, 1), date(2026, 2, 14), Fraction(14, 28), Fraction(14, 30)),
        (date(2026, 2, 15), date(2026, 2, 28), Fraction(14, 28), Fraction(16, 30)),
        (date(2026, 1, 31), date(2026, 1, 31), Fraction(1, 31), Fraction(1, 30)),
        (date(2026, 1, 20), date(2026, 3, 10), Fraction(12, 31) + 1 + Fraction(10, 31), Fraction(51, 30)),
    ],
)
def test_a_part_of_a_month_counts_by_the_policy(
    start: date, end: date, by_days: Fraction, of_thirty: Fraction
) -> None:
    assert months_in(start, end, Proration.CALENDAR_DAYS) == by_days
    assert months_in(start, end, Proration.THIRTY_360) == of_thirty


@given(start=DAYS, days=st.integers(1, 1_000), cut=st.integers(0, 999), proration=st.sampled_from(Proration))
def test_parts_add_up_to_the_whole_when_no_month_is_cut(
    start: date, days: int, cut: int, proration: Proration
) -> None:
    end = start + timedelta(days=days)
    found = periods(start, end, BillingFrequency.MONTHLY)
    first, rest = found[: cut % len(found) + 1], found[cut % len(found) + 1 :]

    halves = (
        [half[0].starts_on for half in (first, rest) if half],
        [half[-1].ends_on for half in (first, rest) if half],
    )

    assert sum(months_in(a, b, proration) for a, b in zip(*halves, strict=True)) == months_in(
        start, end, proration
    )


@pytest.mark.parametrize(
    ("day", "country", "subdivision", "is_open"),
    [
        (date(2026, 5, 1), "DE", None, False),  # Labour Day
        (date(2026, 5, 1), "US", None, True),
        (date(2026, 7, 3), "US", None, False),  # Independence Day, observed on the Friday
        (date(2026, 5, 2), "DE", None, False),  # a Saturday
        (date(2026, 1, 6), "DE", "BY", False),  # Epiphany
        (date(2026, 1, 6), "DE", "HH", True),
        (date(2026, 1, 4), "AE", None, False),  # a Sunday, since 2022
        (date(2026, 1, 4), "SA", None, True),  # there the weekend is Friday and Saturday
    ],
)
def test_weekends_and_holidays_are_the_country_s(
    day: date, country: str, subdivision: str | None, is_open: bool
) -> None:
    assert is_business_day(day, country, subdivision) is is_open


def test_a_due_date_rolls_over_a_long_weekend_and_only_where_the_policy_says_so() -> None:
    """Good Friday to Easter Monday 2026."""
    rolls = changed(DE, billing_policy=BillingPolicy(rolls_to_business_day=True))
    abroad = changed(US, billing_policy=BillingPolicy(rolls_to_business_day=True))
    good_friday = date(2026, 4, 3)

    assert due_day(good_friday, rolls) == date(2026, 4, 7)
    assert due_day(good_friday, abroad) == good_friday
    assert due_day(good_friday, DE) == good_friday


@pytest.mark.parametrize(
    ("country", "subdivision", "known"), [("DE", "BY", True), ("DE", "XX", False), ("XX", None, False)]
)
def test_a_calendar_is_known_or_not(country: str, subdivision: str | None, known: bool) -> None:
    assert is_known(country, subdivision) is known


def test_months_of_a_contract_begin_on_its_day_of_the_month() -> None:
    found = list(contract_months(date(2027, 1, 15), date(2027, 4, 2)))

    assert found == [
        (date(2027, 1, 15), date(2027, 2, 14)),
        (date(2027, 2, 15), date(2027, 3, 14)),
        (date(2027, 3, 15), date(2027, 4, 2)),
    ]


def test_a_contract_from_the_last_day_of_a_long_month_has_no_gap_in_a_short_one() -> None:
    found = list(contract_months(date(2027, 1, 31), date(2027, 4, 29)))

    assert found == [
        (date(2027, 1, 31), date(2027, 2, 27)),
        (date(2027, 2, 28), date(2027, 3, 30)),
        (date(2027, 3, 31), date(2027, 4, 29)),
    ]


@pytest.mark.parametrize(
    ("frequency", "count"),
    [(BillingFrequency.YEARLY, 1), (BillingFrequency.QUARTERLY, 4), (BillingFrequency.MONTHLY, 12)],
)
def test_a_year_from_the_middle_of_a_month_is_whole_periods_of_the_contract(
    frequency: BillingFrequency, count: int
) -> None:
    start, end = date(2027, 1, 15), date(2028, 1, 14)
    found = periods(start, end, frequency, PeriodBasis.CONTRACT)

    assert len(found) == count
    assert [contract_months_in(start, period) for period in found] == [12 // count] * count


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(0, 1_500))
def test_months_of_a_contract_are_without_gap_and_worth_what_they_sum_to(start: date, days: int) -> None:
    end = start + timedelta(days=days)
    found = list(contract_months(start, end))

    assert (found[0].starts_on, found[-1].ends_on) == (start, end)
    assert all(after.starts_on == before.ends_on + timedelta(days=1) for before, after in pairwise(found))
    worth = sum((contract_months_in(start, each) for each in found), start=Fraction(0))
    assert worth == contract_months_in(start, Period(start, end))
    assert len(found) - 1 < worth <= len(found)
