"""Where a rule holds: each sentence of *Overlays* in `docs/rules.md`, by a deal that shows it."""

from __future__ import annotations

from typing import Any

import pytest

from oppsync.domain.policy.firm_rules import firm_rules
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.model import changed
from tests.harness import builders as make
from tests.unit.test_rule_files import overlaid, rules_in
from tests.unit.test_rules import DEAL, HYBRID, UNSTATED, book, found, row

IN_DACH, IN_NA = make.fixed_line(id="00kDACH"), make.fixed_line(id="00kNA", delivery_region="NA")
ALWAYS: dict[str, Any] = {"condition": "true", "field": None}


def messages(*rows: ReferenceRow, deal: Any = DEAL) -> list[str]:
    return [each.message.partition(" (rule")[0] for each in found(deal, *rows)]


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ({}, True),
        ({"regions": ["DACH"]}, True),
        ({"regions": ["NA", "DACH"]}, True),
        ({"regions": ["NA"]}, False),
        ({"entities": ["ACME-DE"]}, True),
        ({"entities": ["ACME-US"]}, False),
        ({"entities": ["ACME-DE"], "regions": ["DACH"]}, True),
        ({"entities": ["ACME-DE"], "regions": ["NA"]}, False),
        ({"entities": ["ACME-US"], "regions": ["DACH"]}, False),
    ],
)
def test_a_rule_holds_everywhere_or_where_both_its_entities_and_its_regions_say(
    where: dict[str, Any], holds: bool
) -> None:
    assert bool(messages(row("po", **where))) is holds


def test_the_narrowest_is_found_in_whatever_order_the_variants_stand() -> None:
    entity = row("po|a", entities=["ACME-DE"], message="entity")
    region = row("po|z", regions=["DACH"], message="region")
    both = row("po|m", entities=["ACME-DE"], regions=["DACH"], message="both")

    first_by_name = (
        row("po|b", regions=["DACH"], message="region"),
        row("po|c", entities=["ACME-DE"], message="c"),
    )

    assert messages(entity, region) == ["entity"]
    assert messages(*first_by_name) == ["c"]
    assert messages(entity, both, region) == messages(both, region, entity) == ["both"]


def test_a_variant_takes_the_place_of_the_wider_one_also_in_what_it_fills() -> None:
    wide, narrow = row("hybrid", HYBRID), row("hybrid|dach", HYBRID, regions=["DACH"], condition="false")
    onsite = row("hybrid|dach", HYBRID, regions=["DACH"], fills={"delivery_model": "Onsite"})

    assert filled(wide) == [("Hybrid", "hybrid")]
    assert filled(wide, onsite) == [("Onsite", "hybrid|dach")]
    assert filled(wide, narrow) == []
    assert filled(wide, changed(onsite, value={**onsite.value, "regions": ["NA"]})) == [("Hybrid", "hybrid")]


def filled(*rows: ReferenceRow) -> list[tuple[str, str]]:
    found = firm_rules(book(*rows), UNSTATED, make.WON_ON).fill(UNSTATED)
    return [(each.value, each.use.key) for each in found.filled]


def test_a_deal_without_a_region_has_the_one_that_all_its_lines_share() -> None:
    rows = (row("x", **ALWAYS, message="wide"), row("x|na", **ALWAYS, regions=["NA"], message="In NA"))
    another = changed(IN_NA, id="00kNA2")

    def said(*lines: Any, region: str | None = None) -> list[str]:
        every = messages(*rows, deal=changed(make.opportunity(*lines), region=region))
        return [each for each in every if each in ("wide", "In NA")]

    assert said(IN_NA, another) == ["In NA"]
    assert said(IN_NA, changed(IN_DACH, delivery_region="DACH")) == ["wide"]
    assert said(IN_NA, another, region="DACH") == ["wide"]  # its own comes first


@pytest.mark.parametrize("first", ["ends", "begins"])
def test_equally_narrow_rules_of_other_days_hold_one_after_the_other(first: str) -> None:
    ends, begins = "  regions: [NA]\n  valid_to: 2026-07-01", "  regions: [NA]"
    text = overlaid(*((ends, begins) if first == "ends" else (begins, ends)))
    at = text.index("valid_from: 2026-01-01", text.index("overlay: o1" if first == "ends" else "overlay: o0"))

    assert len(rules_in(text[:at] + text[at:].replace("2026-01-01", "2026-07-01", 1))) == 3


def test_a_plan_names_the_variant_that_judged_it_and_no_other() -> None:
    rows = [row("po"), row("po|dach", regions=["DACH"]), row("po|us", entities=["ACME-US"])]

    judged = firm_rules(book(*rows), DEAL, make.WON_ON).judging(DEAL)

    assert [(each.kind, each.key) for each in judged] == [(ReferenceKind.RULE, "po|dach")]
