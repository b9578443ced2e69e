"""A retainer: the same each month, in advance, with hours included and partial months in proportion."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppsync.domain.billing.retainer import RetainerBilling
from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.billing_terms import BillingFrequency, BillingTerms, PeriodBasis, Retainer
from oppsync.domain.deal.opportunity import OpportunityLine
from oppsync.domain.plan.plan import BillingLine
from oppsync.domain.reference.billing_policy import BillingPolicy, Proration
from oppsync.domain.values.money import Money
from tests.harness import builders as make

THIRTY_360 = BillingPolicy(proration=Proration.THIRTY_360)


def schedule(line: OpportunityLine, policy: BillingPolicy | None = None) -> tuple[BillingLine, ...]:
    return RetainerBilling().lines(make.workstream(line, policy))


def figures(lines: tuple[BillingLine, ...]) -> list[tuple[str, str, str]]:
    return [(str(line.due_on), line.amount.text, str(line.hours)) for line in lines]


def test_each_month_is_due_when_it_begins_and_the_last_half_is_half() -> None:
    lines = schedule(make.retainer_line())

    assert figures(lines) == [
        ("2026-06-01", "4000.00", "20.00"),
        ("2026-07-01", "4000.00", "20.00"),
        ("2026-08-01", "4000.00", "20.00"),
        ("2026-09-01", "2000.00", "10.00"),
    ]
    assert [line.path for line in lines[::3]] == ["00kL7/dated/2026-06", "00kL7/dated/2026-09"]
    assert (lines[3].period_starts_on, lines[3].period_ends_on) == (date(2026, 9, 1), date(2026, 9, 15))
    assert lines[3].description == "Advisory retainer: 2026-09-01 to 2026-09-15"


@pytest.mark.parametrize(
    ("policy", "amounts"),
    [
        # 17/31 and 14/31 of a month, 1 in all: the whole months cost exactly a month
        (None, ["2193.55", "4000.00", "4000.00", "1806.45"]),
        (THIRTY_360, ["2133.33", "4000.00", "4000.00", "1866.67"]),
    ],
)
def test_partial_months_count_by_the_policy(policy: BillingPolicy | None, amounts: list[str]) -> None:
    line = make.retainer_line(
        starts_on=date(2026, 5, 15), ends_on=date(2026, 8, 14), quantity=3, net=12_000, unit_price=4_000
    )

    assert [each.amount.text for each in schedule(line, policy)] == amounts


def test_a_quarter_in_advance_includes_three_months_of_hours() -> None:
    terms = BillingTerms(retainer=Retainer(hours=20), frequency=BillingFrequency.QUARTERLY)

    assert figures(schedule(make.retainer_line(billing=terms))) == [
        ("2026-06-01", "12000.00", "60.00"),
        ("2026-09-01", "2000.00", "10.00"),
    ]


def test_an_agreed_day_is_the_first_one_in_the_period() -> None:
    terms = BillingTerms(retainer=Retainer(hours=20), day=31)

    assert [str(line.due_on) for line in schedule(make.retainer_line(billing=terms))] == [
        "2026-06-30",
        "2026-07-31",
        "2026-08-31",
        "2026-09-30",
    ]


def test_hours_and_rollover_stand_in_the_plan() -> None:
    terms = BillingTerms(retainer=Retainer(hours=20, rollover="capped", rollover_hours=8))
    (root, *_) = make.content(make.opportunity(make.retainer_line(billing=terms))).nodes

    assert root.terms == terms


@given(
    model=st.sampled_from([make.retainer_line, make.recurring_line]),
    start=st.dates(date(2026, 1, 1), date(2029, 12, 31)),
    days=st.integers(0, 1_200),
    terms=st.builds(
        BillingTerms,
        retainer=st.just(Retainer(hours=20)),
        frequency=st.sampled_from([*BillingFrequency]),
        periods=st.sampled_from([*PeriodBasis]),
    ),
    policy=st.sampled_from([BillingPolicy(), THIRTY_360]),
)
def test_each_day_of_the_contract_is_billed_once(
    model: Callable[..., OpportunityLine],
    start: date,
    days: int,
    terms: BillingTerms,
    policy: BillingPolicy,
) -> None:
    sold = make.workstream(model(starts_on=start, ends_on=start + timedelta(days=days), billing=terms), policy)

    lines = BILLING_MODELS[sold.billing_model].lines(sold)

    billed = [
        begin + timedelta(days=day)
        for begin, end in ((line.period_starts_on, line.period_ends_on) for line in lines)
        if begin is not None and end is not None
        for day in range((end - begin).days + 1)
    ]
    assert billed == [start + timedelta(days=day) for day in range(days + 1)]
    assert Money.total((line.amount for line in lines), sold.amount.currency) == sold.amount


def test_whole_months_of_the_contract_cost_whole_months() -> None:
    line = make.retainer_line(
        starts_on=date(2026, 5, 15), ends_on=date(2026, 8, 14), quantity=3, net=12_000, unit_price=4_000,
        billing=BillingTerms(retainer=Retainer(hours=20), periods=PeriodBasis.CONTRACT),
    )  # fmt: skip

    assert figures(schedule(line)) == [
        ("2026-05-15", "4000.00", "20.00"),
        ("2026-06-15", "4000.00", "20.00"),
        ("2026-07-15", "4000.00", "20.00"),
    ]
