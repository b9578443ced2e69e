"""Time and materials: one line for the role, hours at the rate, nothing due up front."""

from __future__ import annotations

from decimal import Decimal

from oppsync.domain.billing.time_and_materials import TimeAndMaterials
from oppsync.domain.deal.opportunity import OpportunityLine
from oppsync.domain.plan.plan import BillingLine
from oppsync.domain.planning.split import split
from tests.harness import builders as make


def billing_line(sold: OpportunityLine) -> BillingLine:
    deal = make.opportunity(sold)
    (workstream,) = split(deal, make.enrichment(deal))
    (line,) = TimeAndMaterials().lines(workstream)
    return line


def test_hours_are_invoiced_at_the_rate_less_the_discount() -> None:
    line = billing_line(make.time_line())

    assert (line.path, line.role) == ("00kL1/time/senior-consultant", "Senior Consultant")
    assert (line.hours, line.rate, line.amount.text) == (Decimal(100), Decimal(144), "14400.00")
    assert line.due_on is None


def test_a_rate_has_the_four_decimals_an_erp_keeps() -> None:
    line = billing_line(make.time_line(discount_percent="33.33333", net="10666.67"))

    assert line.rate == Decimal("106.6667")
    assert line.amount.text == "10666.67"


def test_a_quarter_of_an_hour_is_sold_too() -> None:
    line = billing_line(make.time_line(quantity="0.25", discount_percent=0, net=40))

    assert (line.hours, line.amount.text) == (Decimal("0.25"), "40.00")
