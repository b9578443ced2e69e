"""A managed service: in advance or in arrears, partial months in proportion, raised on each anniversary."""

from __future__ import annotations

from datetime import date
from typing import Any

from oppsync.domain.billing.recurring import Recurring
from oppsync.domain.deal.billing_terms import BillingFrequency, BillingTerms, Timing
from oppsync.domain.deal.opportunity import OpportunityLine
from oppsync.domain.plan.plan import BillingLine
from tests.harness import builders as make


def schedule(line: OpportunityLine) -> tuple[BillingLine, ...]:
    return Recurring().lines(make.workstream(line))


def figures(lines: tuple[BillingLine, ...]) -> list[tuple[str, str]]:
    return [(str(line.due_on), line.amount.text) for line in lines]


def whole(net: str, **changes: Any) -> OpportunityLine:
    return make.recurring_line(quantity=1, unit="unit", unit_price=net, net=net, **changes)


def test_in_advance_is_when_the_month_begins() -> None:
    lines = schedule(make.recurring_line())

    assert figures(lines) == [
        ("2026-06-01", "2000.00"),
        ("2026-07-01", "2000.00"),
        ("2026-08-01", "2000.00"),
        ("2026-09-01", "1000.00"),
    ]
    assert {line.hours for line in lines} == {None}


def test_in_arrears_is_when_it_has_ended() -> None:
    lines = schedule(make.recurring_line(billing=BillingTerms(timing=Timing.IN_ARREARS)))

    assert figures(lines) == [
        ("2026-06-30", "2000.00"),
        ("2026-07-31", "2000.00"),
        ("2026-08-31", "2000.00"),
        ("2026-09-15", "1000.00"),
    ]
    assert lines[0].path == "00kL8/dated/2026-06"


def test_the_price_rises_on_the_anniversary() -> None:
    """12 x 1,000 and 12 x 1,030 are 24,360."""
    terms = BillingTerms(indexation_percent=3)
    line = whole("24360", starts_on=date(2026, 6, 1), ends_on=date(2028, 5, 31), billing=terms)

    assert [each.amount.text for each in schedule(line)] == ["1000.00"] * 12 + ["1030.00"] * 12


def test_a_raise_inside_a_month_counts_from_its_day() -> None:
    """June 2027: 14 of 30 days at 3,000 and 16 at 3,300 are 1,400 + 1,760; the first June has 16 days."""
    terms = BillingTerms(indexation_percent=10)
    net = 16 * 100 + 11 * 3000 + 1400 + 1760 + 11 * 3300 + 14 * 110
    line = whole(str(net), starts_on=date(2026, 6, 15), ends_on=date(2028, 6, 14), billing=terms)

    amounts = [each.amount.text for each in schedule(line)]

    assert [amounts[index] for index in (0, 1, 11, 12, 13, 24)] == [
        "1600.00",
        "3000.00",
        "3000.00",
        "3160.00",
        "3300.00",
        "1540.00",
    ]


def test_a_year_in_advance_is_one_invoice() -> None:
    terms = BillingTerms(frequency=BillingFrequency.YEARLY, day=5)
    line = whole("24000", starts_on=date(2026, 6, 1), ends_on=date(2028, 5, 31), billing=terms)

    assert figures(schedule(line)) == [("2026-06-05", "12000.00"), ("2027-06-05", "12000.00")]


def test_once_is_one_period() -> None:
    (line,) = schedule(make.recurring_line(billing=BillingTerms(frequency=BillingFrequency.ONCE)))

    assert (line.path, line.amount.text) == ("00kL8/dated/once", "7000.00")
