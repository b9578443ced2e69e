"""Fixed fee on dates: equal instalments over the deal's run, the last on its last day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppsync.domain.billing.fixed_fee import FixedFee, instalments
from oppsync.domain.deal.billing_terms import BillingFrequency, BillingTerms, PeriodBasis
from oppsync.domain.deal.opportunity import ContractTerms
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import BillingPolicy
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from tests.harness import builders as make

MONTHLY, QUARTERLY, ONCE = BillingFrequency.MONTHLY, BillingFrequency.QUARTERLY, BillingFrequency.ONCE


def fee(start: str, end: str, terms: BillingTerms) -> Workstream:
    dates = {"starts_on": date.fromisoformat(start), "ends_on": date.fromisoformat(end)}
    return make.workstream(make.fixed_line(billing=terms, **dates))


@pytest.mark.parametrize(
    ("start", "end", "frequency", "due"),
    [
        ("2026-06-01", "2026-09-15", MONTHLY, ["2026-06-30", "2026-07-31", "2026-08-31", "2026-09-15"]),
        ("2026-01-31", "2026-03-01", MONTHLY, ["2026-01-31", "2026-02-28", "2026-03-01"]),
        ("2028-02-10", "2028-02-20", MONTHLY, ["2028-02-20"]),
        ("2026-12-15", "2027-01-15", MONTHLY, ["2026-12-31", "2027-01-15"]),
        ("2026-02-01", "2027-01-31", QUARTERLY, ["2026-04-30", "2026-07-31", "2026-10-31", "2027-01-31"]),
        ("2026-02-01", "2026-08-10", QUARTERLY, ["2026-04-30", "2026-07-31", "2026-08-10"]),
        ("2026-02-01", "2026-02-28", QUARTERLY, ["2026-02-28"]),
        ("2026-06-01", "2026-09-15", ONCE, ["2026-09-15"]),
    ],
)
def test_instalments_are_due_at_the_end_of_their_period(
    start: str, end: str, frequency: BillingFrequency, due: list[str]
) -> None:
    schedule = instalments(fee(start, end, BillingTerms(frequency=frequency)))

    assert [instalment.due_on.isoformat() for instalment in schedule] == due
    assert [instalment.key for instalment in schedule] == (
        ["once"] if frequency is ONCE else [day[:7] for day in due]
    )


@given(
    start=st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    days=st.integers(0, 3_000),
    frequency=st.sampled_from(BillingFrequency),
)
def test_each_instalment_has_its_own_key_and_a_date_inside_the_run(
    start: date, days: int, frequency: BillingFrequency
) -> None:
    end = date.fromordinal(start.toordinal() + days)
    run = make.workstream(make.fixed_line(billing=BillingTerms(frequency=frequency)))

    schedule = instalments(changed(run, starts_on=start, ends_on=end))

    dates = [instalment.due_on for instalment in schedule]
    assert start <= dates[0]
    assert dates[-1] == end
    assert dates == sorted(set(dates))
    assert len({instalment.key for instalment in schedule}) == len(schedule)


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (1, ["2026-07-01", "2026-08-01", "2026-09-01", "2026-10-01"]),
        (15, ["2026-07-15", "2026-08-15", "2026-09-15", "2026-09-15"]),
        (31, ["2026-06-30", "2026-07-31", "2026-08-31", "2026-09-30"]),
    ],
)
def test_an_agreed_day_is_the_first_one_after_the_period(day: int, due: list[str]) -> None:
    schedule = instalments(fee("2026-06-01", "2026-09-15", BillingTerms(day=day)))

    assert [instalment.due_on.isoformat() for instalment in schedule] == due


def test_a_due_date_on_a_holiday_rolls_to_the_next_business_day_where_the_policy_says_so() -> None:
    """Saturday 31 October 2026: Monday is a business day in Hamburg, though not All Saints' in Bavaria."""
    line = make.fixed_line(starts_on=date(2026, 10, 1), ends_on=date(2026, 10, 31))
    rolls = BillingPolicy(rolls_to_business_day=True)

    stays = instalments(make.workstream(line))
    rolled = instalments(make.workstream(line, rolls))

    assert [stays[0].due_on, rolled[0].due_on] == [date(2026, 10, 31), date(2026, 11, 2)]
    assert stays[0].key == rolled[0].key


def test_a_fee_that_does_not_divide_evenly_loses_no_cent() -> None:
    workstream = make.workstream(make.fixed_line(unit_price=10_000, ends_on=date(2026, 8, 31)))

    lines = FixedFee().lines(workstream)

    assert [line.amount.text for line in lines] == ["3333.34", "3333.33", "3333.33"]
    assert Money.total((line.amount for line in lines), "EUR") == workstream.amount
    assert [line.path for line in lines] == [
        "00kL2/dated/2026-06",
        "00kL2/dated/2026-07",
        "00kL2/dated/2026-08",
    ]


def test_a_fee_billed_once_is_one_line() -> None:
    once = ContractTerms(payment_terms="NET30", billing_frequency="once")

    (line,) = FixedFee().lines(make.workstream(make.fixed_line(), contract=once))

    assert (line.path, line.amount.amount, line.due_on) == (
        "00kL2/dated/once",
        Decimal(10_000),
        date(2026, 9, 15),
    )


@pytest.mark.parametrize(
    ("frequency", "amounts"),
    [
        (BillingFrequency.YEARLY, ["36500.00"]),
        (BillingFrequency.QUARTERLY, ["9125.00"] * 4),
        (BillingFrequency.MONTHLY, ["3041.67"] * 8 + ["3041.66"] * 4),
    ],
)
def test_a_year_from_15_january_by_months_of_the_contract(
    frequency: BillingFrequency, amounts: list[str]
) -> None:
    line = make.fixed_line(
        net=36_500, unit_price=36_500, starts_on=date(2027, 1, 15), ends_on=date(2028, 1, 14),
        billing=BillingTerms(frequency=frequency, periods=PeriodBasis.CONTRACT),
    )  # fmt: skip
    lines = FixedFee().lines(make.workstream(line))

    assert [each.amount.text for each in lines] == amounts
    assert (lines[0].path, lines[-1].due_on) == ("00kL2/dated/2027-01-15", date(2028, 1, 14))


def test_periods_are_the_deals_or_else_the_entitys_or_else_calendar_months() -> None:
    def invoices(policy: BillingPolicy | None = None, **contract: object) -> int:
        line = make.fixed_line(starts_on=date(2027, 1, 15), ends_on=date(2028, 1, 14))
        terms = {"payment_terms": "NET30", "billing_frequency": "yearly", **contract}
        return len(FixedFee().lines(make.workstream(line, policy, contract=terms)))

    by_contract = BillingPolicy(periods=PeriodBasis.CONTRACT)
    assert invoices() == 2
    assert invoices(billing_periods="contract") == 1
    assert invoices(by_contract) == 1
    assert invoices(by_contract, billing_periods="calendar") == 2


def test_no_instalment_of_nothing_is_planned() -> None:
    """Three cents in twelve months are three instalments."""
    line = make.fixed_line(
        net="0.03", unit_price="0.03", starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31)
    )
    plan = make.plan(make.opportunity(line))

    assert [each.amount.text for _, each in plan.content.billing_lines()] == ["0.01"] * 3
