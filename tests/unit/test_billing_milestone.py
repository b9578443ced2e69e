"""Milestone billing: a line per milestone, due on acceptance, planned for a date."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from oppsync.domain.billing.milestone import MilestoneBilling
from oppsync.domain.deal.opportunity import Milestone, OpportunityLine
from oppsync.domain.plan.plan import BillingLine
from oppsync.domain.planning.split import split
from oppsync.domain.values.model import changed
from tests.harness import builders as make


def billing_lines(sold: OpportunityLine) -> tuple[BillingLine, ...]:
    deal = make.opportunity(sold)
    (workstream,) = split(deal, make.enrichment(deal))
    return MilestoneBilling().lines(workstream)


def test_each_milestone_is_a_line_of_its_percent() -> None:
    lines = billing_lines(make.milestone_line())

    assert [(line.path, line.amount.text, line.due_on) for line in lines] == [
        ("00kL3/milestone/a00M1", "6000.00", date(2026, 6, 30)),
        ("00kL3/milestone/a00M2", "10000.00", date(2026, 7, 31)),
        ("00kL3/milestone/a00M3", "4000.00", date(2026, 8, 31)),
    ]
    assert lines[0].description == "Cloud migration: Design"


def test_the_order_in_which_the_crm_lists_them_does_not_count() -> None:
    """Not even for the odd cent."""
    thirds = tuple(
        Milestone(id=f"a00M{index}", name="Step", percent=Decimal(percent))
        for index, percent in enumerate(("33.3", "33.3", "33.4"))
    )
    sold = make.milestone_line(quantity=1, unit_price="100.01", net="100.01")

    forth = billing_lines(changed(sold, milestones=thirds))
    back = billing_lines(changed(sold, milestones=thirds[::-1]))

    assert forth == back
    assert sum(line.amount.amount for line in forth) == Decimal("100.01")


def test_an_undated_milestone_comes_last() -> None:
    undated = Milestone(id="a00M0", name="When it is done", percent=Decimal(50))
    dated = Milestone(id="a00M9", name="Design", percent=Decimal(50), planned_on=date(2026, 6, 30))

    lines = billing_lines(make.milestone_line(milestones=(undated, dated)))

    assert [line.due_on for line in lines] == [date(2026, 6, 30), None]


def test_no_milestone_of_nothing_is_planned() -> None:
    """A cent in three milestones is one."""
    line = make.milestone_line(quantity=1, unit_price="0.01", net="0.01")
    plan = make.plan(make.opportunity(line))

    assert [(each.path, each.amount.text) for _, each in plan.content.billing_lines()] == [
        ("00kL3/milestone/a00M2", "0.01")
    ]
