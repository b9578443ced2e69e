"""The opportunity's amount is what was signed: cents by which its lines miss it are allocated, and shown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.validation.table import validate
from tests.harness import builders as make


def thirds(amount: str, *nets: str, **deal: object) -> Opportunity:
    """A deal of fixed fees whose nets miss the amount."""
    lines = [
        make.fixed_line(id=f"00k{name}", unit_price=net, net=net)
        for name, net in zip("ABC", nets, strict=False)
    ]
    return make.opportunity(*lines, amount=amount, **deal)


THREE = ("33.33", "33.33", "33.33")


@pytest.mark.parametrize(
    ("amount", "nets", "currency", "sound"),
    [
        ("100.00", THREE, "EUR", True),
        ("100.02", THREE, "EUR", True),  # one cent a line
        ("100.03", THREE, "EUR", False),
        ("99.96", THREE, "EUR", True),
        ("99.95", THREE, "EUR", False),
        ("102", ("33", "33", "33"), "JPY", True),  # the minor unit is a yen
        ("102.5", ("33", "33", "33"), "JPY", False),
        ("103", ("33", "33", "33"), "JPY", False),
    ],
)
def test_lines_may_miss_the_amount_by_one_minor_unit_each(
    amount: str, nets: tuple[str, ...], currency: str, sound: bool
) -> None:
    deal = thirds(amount, *nets, currency=currency)

    codes = {found.code for found in validate(deal, make.facts())} - {"CURRENCY_NOT_ALLOWED", "AMOUNT_TOO_FINE"}

    assert codes == (set() if sound else {"TOTAL_MISMATCH"})


def test_a_line_that_costs_nothing_has_nothing_to_round() -> None:
    deal = make.opportunity(make.fixed_line(net="9999.99"), make.non_billable_line(), amount="10000.01")

    assert [found.code for found in validate(deal, make.facts())] == ["TOTAL_MISMATCH"]


@pytest.mark.parametrize(
    ("amount", "nets", "planned", "rounding"),
    [
        ("100.00", THREE, ["33.34", "33.33", "33.33"], ["0.01", None, None]),
        ("99.97", ("33.33", "33.34", "33.32"), ["33.32", "33.33", "33.32"], ["-0.01", "-0.01", None]),
        ("100.00", ("20.00", "59.99", "20.00"), ["20.00", "60.00", "20.00"], [None, "0.01", None]),
        # A credit too; it is as large as it is below zero.
        ("40.01", ("100.00", "-60.00", ""), ["100.01", "-60.00"], ["0.01", None]),
    ],
)
def test_what_they_miss_is_allocated_to_the_largest_lines(
    amount: str, nets: tuple[str, ...], planned: list[str], rounding: list[str | None]
) -> None:
    content = make.content(thirds(amount, *filter(None, nets)))

    root, *nodes = [node for node in content.nodes if node.billing_model or node.parent is None]
    assert content.total.text == root.amount.text == amount
    assert [node.amount.text for node in nodes] == planned
    assert [node.rounding.text if node.rounding else None for node in nodes] == rounding
    assert root.rounding is not None
    assert root.rounding.amount == sum(Decimal(each) for each in rounding if each)


def test_it_goes_to_what_is_invoiced_as_agreed_before_hours() -> None:
    content = make.content(make.opportunity(make.time_line(), make.fixed_line(), amount="24400.01"))

    assert [(line.kind, line.amount.text) for _, line in content.billing_lines()] == [
        ("time", "14400.00"),
        *[("dated", "2500.01"), ("dated", "2500.00"), ("dated", "2500.00"), ("dated", "2500.00")],
    ]


def test_the_order_of_the_lines_in_the_crm_does_not_matter() -> None:
    deal = thirds("100.00", *THREE)
    turned = make.changed(deal, lines=deal.lines[::-1])

    assert make.content(turned) == make.content(deal)


def test_a_plan_of_lines_that_sum_to_the_amount_says_nothing_of_rounding() -> None:
    """So its hash is that of releases that knew no rounding, and no estimates."""
    document = str(make.content(make.opportunity()).document())

    assert "rounding'" not in document.replace("tax_rounding'", "")
    assert "estimate" not in document
