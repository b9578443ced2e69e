"""Non-billable work: a project with its cost centre, hours and tasks, and nothing to invoice."""

from __future__ import annotations

from decimal import Decimal

from oppsync.domain.validation.table import validate
from tests.harness import builders as make


def test_a_project_of_ours_costs_and_is_not_invoiced() -> None:
    deal = make.opportunity(make.non_billable_line())
    assert validate(deal, make.facts()) == ()

    content = make.content(deal)

    root = content.nodes[0]
    assert (root.amount.text, root.lines, root.hours, root.cost_centre) == (
        "0.00",
        (),
        Decimal(16),
        "CC-DE-ADV",
    )
    assert [node.name for node in content.nodes[1:]] == ["Onboarding"]


def test_beside_work_that_is_paid_its_zero_is_no_finding() -> None:
    deal = make.opportunity(make.fixed_line(), make.non_billable_line())

    assert validate(deal, make.facts()) == ()
    assert make.content(deal).total.text == "10000.00"


def test_a_deal_of_nothing_is_still_a_finding_where_something_is_billed() -> None:
    deal = make.opportunity(make.fixed_line(), make.non_billable_line(), amount=0)

    codes = [found.code for found in validate(deal, make.facts())]

    assert codes == ["AMOUNT_NOT_POSITIVE", "TOTAL_MISMATCH"]
