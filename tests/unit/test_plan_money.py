"""What a plan comes to: the tax of each line, what is only an estimate, and what is not billable."""

from __future__ import annotations

import pytest

from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.limits import Limit, watched_in_words
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.reading.plan_money import money_of
from oppsync.pipeline.destination import Destination
from tests.harness import builders as make


def test_each_line_has_its_tax_and_their_sum_is_that_of_the_plan() -> None:
    money = money_of(make.content(make.opportunity()))

    assert [(line.path, line.amount.text, line.tax.text, line.with_tax.text) for line in money.lines[:2]] == [
        ("00kL1/time/senior-consultant", "14400.00", "2736.00", "17136.00"),
        ("00kL2/dated/2026-06", "2500.00", "475.00", "2975.00"),
    ]
    assert (money.total.text, money.tax.text, money.with_tax.text) == ("44400.00", "8436.00", "52836.00")
    assert sum(line.tax.amount for line in money.lines) == money.tax.amount


def test_hours_are_an_estimate_and_what_is_invoiced_as_agreed_is_none() -> None:
    assert money_of(make.content(make.opportunity())).estimated.text == "14400.00"
    assert money_of(make.content(make.opportunity(make.fixed_line()))).estimated.text == "0.00"


def test_what_was_sold_is_what_is_billable_and_what_is_beyond_the_cap() -> None:
    deal = make.opportunity(make.capped_line(billing={"cap": {"amount": 10_000}}), make.fixed_line())

    money = money_of(make.content(deal))

    assert (money.sold.text, money.total.text, money.beyond_caps.text) == ("24400.00", "20000.00", "4400.00")
    assert money.estimated.text == "10000.00"
    assert [line.beyond_cap.text for line in money.lines if line.beyond_cap.amount] == ["4400.00"]


ORDERED = {"payment_terms": "NET30", "po_number": "PO-7", "po_limit": 50_000}


@pytest.mark.parametrize(
    ("holds", "watched"),
    [
        (frozenset(), (Limit.CAP, Limit.PO_LIMIT, Limit.PO_EXPIRY, Limit.INCLUDED_HOURS)),
        (frozenset({Limit.CAP, Limit.PO_LIMIT}), (Limit.PO_EXPIRY, Limit.INCLUDED_HOURS)),
        (frozenset(Limit), ()),
    ],
)
def test_a_plan_says_which_of_its_limits_the_erp_only_notes(
    holds: frozenset[Limit], watched: tuple[Limit, ...]
) -> None:
    content = make.content(make.opportunity(make.capped_line(), make.retainer_line(), contract=ORDERED))
    content = make.changed(content, po_expires_on=make.WON_ON)
    to = Destination(PlanSystems(erp="erp"), ErpCapabilities(line_kinds=frozenset(LineKind), holds=holds))

    assert to.systems_for(content).watched == watched


def test_a_plan_without_limits_has_nothing_to_watch() -> None:
    to = Destination(PlanSystems(erp="erp"), ErpCapabilities(line_kinds=frozenset(LineKind)))

    assert to.systems_for(make.content(make.opportunity())) == to.systems
    assert to.systems.watched_in_words == ""


def test_what_people_have_to_watch_is_one_sentence() -> None:
    assert watched_in_words([Limit.CAP]) == (
        "The ERP notes the cap of the hours, and does not stop invoices there: whoever invoices has to watch."
    )
    assert "the cap of the hours, the limit of the purchase order and the last day of" in watched_in_words(
        [Limit.PO_EXPIRY, Limit.CAP, Limit.PO_LIMIT]
    )
