"""Revenue schedules: each workstream's share of the deal's price, month by month, to the last cent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from oppsync.domain.deal.billing_terms import BillingTerms
from oppsync.domain.deal.opportunity import BillingModelCode, Milestone, OpportunityLine
from oppsync.domain.plan.plan import ROOT_PATH, PlanContent, RevenueSchedule
from oppsync.domain.planning.planning import check, make_plan
from oppsync.domain.planning.split import split
from oppsync.domain.reference.billing_policy import BillingPolicy, RevenueMethod
from oppsync.domain.revenue.table import DEFAULT_METHODS, RECOGNITIONS
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from tests.harness import builders as make


def planned(*lines: OpportunityLine, country: str = "DE", **policy: Any) -> PlanContent:
    """The plan of a deal with these lines, by an entity with this policy in this country."""
    deal = make.opportunity(*lines)
    found = make.enrichment(deal)
    entity = make.legal_entity(
        country=country, billing_policy=BillingPolicy(**({"recognises_revenue": True} | policy))
    )
    found = changed(found, legal_entity=entity)
    return make_plan(deal, found, split(deal, found))


def schedule(line: OpportunityLine, method: RevenueMethod, **options: Any) -> RevenueSchedule:
    content = planned(line, revenue_methods={line.billing_model: method}, **options)
    revenue = content.node(ROOT_PATH).revenue
    assert revenue is not None
    assert revenue.method is method
    return revenue


def figures(revenue: RevenueSchedule) -> list[tuple[str, str]]:
    return [(line.period, line.amount.text) for line in revenue.lines]


def test_straight_line_is_the_same_each_day() -> None:
    """107 days from June to mid-September: 30, 31, 31 and 15 of them."""
    assert figures(schedule(make.fixed_line(), RevenueMethod.STRAIGHT_LINE)) == [
        ("2026-06", "2803.74"),  # 10,000 x 30 / 107
        ("2026-07", "2897.20"),  # 10,000 x 31 / 107 = 2,897.196
        ("2026-08", "2897.19"),
        ("2026-09", "1401.87"),  # 10,000 x 15 / 107
    ]


def test_percent_complete_is_the_same_each_business_day() -> None:
    """June has 22, July 23, August 21 and September 11 of them: 77. The odd cent is July's."""
    assert figures(schedule(make.fixed_line(), RevenueMethod.PERCENT_COMPLETE)) == [
        ("2026-06", "2857.14"),  # 10,000 x 22 / 77
        ("2026-07", "2987.02"),  # 10,000 x 23 / 77 = 2,987.013
        ("2026-08", "2727.27"),  # 10,000 x 21 / 77
        ("2026-09", "1428.57"),  # 10,000 x 11 / 77
    ]


@pytest.mark.parametrize(
    ("country", "dates"),
    [
        ("XX", {}),  # no such calendar
        ("DE", {"starts_on": date(2026, 6, 6), "ends_on": date(2026, 6, 7)}),  # a weekend
    ],
)
def test_where_no_business_day_is_known_every_day_counts(country: str, dates: dict[str, date]) -> None:
    line = make.fixed_line(**dates)

    by_work = schedule(line, RevenueMethod.PERCENT_COMPLETE, country=country)

    assert by_work.lines == schedule(line, RevenueMethod.STRAIGHT_LINE).lines


def test_a_milestone_earns_when_it_is_planned_to_be_accepted_and_one_without_a_date_in_the_end() -> None:
    line = make.milestone_line(
        milestones=(
            Milestone(id="a00M1", name="Design", percent=Decimal(30), planned_on=date(2026, 6, 30)),
            Milestone(id="a00M2", name="Handover", percent=Decimal(70)),
        )
    )

    assert figures(schedule(line, RevenueMethod.MILESTONE)) == [("2026-06", "6000.00"), ("2026-09", "14000.00")]


def test_without_milestones_a_point_in_time_is_the_end() -> None:
    assert figures(schedule(make.fixed_line(), RevenueMethod.MILESTONE)) == [("2026-09", "10000.00")]


def test_as_invoiced_follows_the_dates_of_invoices() -> None:
    arrears = make.recurring_line(billing=BillingTerms(timing="in_arrears", day=15))

    assert figures(schedule(arrears, RevenueMethod.AS_INVOICED)) == [
        ("2026-07", "2000.00"),
        ("2026-08", "2000.00"),
        ("2026-09", "3000.00"),  # August's, and the half of September
    ]


def test_hours_that_have_no_date_are_planned_as_the_work_is() -> None:
    assert figures(schedule(make.time_line(), RevenueMethod.AS_INVOICED)) == figures(
        schedule(make.time_line(), RevenueMethod.PERCENT_COMPLETE)
    )


def test_every_model_has_its_default_and_every_method_its_room() -> None:
    assert set(DEFAULT_METHODS) == set(BillingModelCode)
    assert set(RECOGNITIONS) == set(RevenueMethod)


def test_each_workstream_is_an_obligation_of_its_own_and_what_earns_nothing_is_none() -> None:
    content = planned(*(line() for line in make.LINES.values()))

    found = {node.billing_model: node.revenue for node in content.nodes if node.billing_model}

    assert found.pop(BillingModelCode.NON_BILLABLE) is None
    assert {model: each and each.method for model, each in found.items()} == {
        model: method for model, method in DEFAULT_METHODS.items() if model in found
    }
    assert [each.obligation for each in content.revenue_schedules()] == [
        node.path for node in content.nodes if node.revenue
    ]


def test_a_discount_on_one_is_spread_over_all_by_their_list_prices() -> None:
    """List 10,000 + 20,000 + 7,000 = 37,000, sold at 10,000 + 15,000 + 7,000 = 32,000."""
    content = planned(
        make.fixed_line(),
        make.milestone_line(discount_percent=25, net=15_000),
        make.recurring_line(),
        make.time_line(),
    )

    prices = {each.obligation: each.price.text for each in content.revenue_schedules()}

    assert prices == {
        "00kL1": "14400.00",  # hours have their own price, discount and all
        "00kL2": "8648.65",  # 32,000 x 10,000 / 37,000
        "00kL3": "17297.30",  # 32,000 x 20,000 / 37,000
        "00kL8": "6054.05",  # 32,000 x 7,000 / 37,000
    }


def test_without_a_discount_each_keeps_its_own_price() -> None:
    """Though the CRM rounded one of them up by a cent."""
    content = planned(make.fixed_line(net="10000.01"), make.recurring_line())

    assert [each.price.text for each in content.revenue_schedules()] == ["10000.01", "7000.00"]


def test_both_schedules_are_the_contract() -> None:
    content = planned(*(line() for line in make.LINES.values()))

    billed = Money.total((line.amount for _, line in content.billing_lines()), "EUR")
    earned = Money.total((line.amount for each in content.revenue_schedules() for line in each.lines), "EUR")

    assert billed == earned == content.total


def test_an_entity_that_does_not_ask_for_it_has_plans_without_revenue() -> None:
    content = planned(make.fixed_line(), recognises_revenue=False)

    assert "revenue" not in content.document()["nodes"][0]  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"price": Money(amount=Decimal(9_999), currency="EUR")}, "is not its price"),
        ({"price": Money.zero("EUR"), "lines": ()}, "is not the total of EUR 10,000.00"),
    ],
)
def test_a_plan_whose_revenue_is_not_the_deals_is_a_bug(change: dict[str, Any], said: str) -> None:
    content = planned(make.fixed_line())
    root, *tasks = content.nodes
    wrong = changed(root, revenue=changed(root.revenue, **change)) if root.revenue else root

    with pytest.raises(ValueError, match=said):
        check(changed(content, nodes=(wrong, *tasks)))
