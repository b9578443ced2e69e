"""Split: one workstream per delivery line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from oppsync.domain.planning.split import split
from tests.harness import builders as make


def test_three_lines_are_three_workstreams() -> None:
    deal = make.opportunity()

    workstreams = split(deal, make.enrichment(deal))

    assert [(ws.key, ws.name, ws.billing_model.value, ws.amount.text) for ws in workstreams] == [
        ("00kL1", "Senior consulting", "time_and_materials", "14400.00"),
        ("00kL2", "Cloud foundation", "fixed_fee", "10000.00"),
        ("00kL3", "Cloud migration", "milestone", "20000.00"),
    ]


def test_a_workstream_is_named_after_the_first_line_of_what_was_sold() -> None:
    long = "Landing zone, " + "x" * 500
    deal = make.opportunity(make.fixed_line(description=f"{long}\nand much more"))

    (workstream,) = split(deal, make.enrichment(deal))

    assert workstream.name == long[:200]


def test_hours_are_those_sold_or_those_planned() -> None:
    deal = make.opportunity()

    assert [ws.hours for ws in split(deal, make.enrichment(deal))] == [Decimal(100), Decimal(60), None]


def test_a_line_keeps_its_own_dates_and_takes_the_deals_for_the_rest() -> None:
    deal = make.opportunity(make.fixed_line(starts_on=date(2026, 7, 1)))

    (workstream,) = split(deal, make.enrichment(deal))

    assert (workstream.starts_on, workstream.ends_on) == (date(2026, 7, 1), date(2026, 9, 15))


def test_each_workstream_has_the_reference_data_of_its_line_whatever_their_order() -> None:
    deal = make.opportunity(make.milestone_line(), make.time_line())

    workstreams = split(deal, make.enrichment(deal))

    assert [ws.key for ws in workstreams] == ["00kL1", "00kL3"]
    assert [ws.enrichment.service_line.code for ws in workstreams] == ["ADV", "CLOUD"]
