"""Intercompany: one entity sells, another delivers and is paid its cost plus a percentage."""

from __future__ import annotations

from datetime import date

import pytest

from adapters.erp.tryton import landing
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.plan import ROOT_PATH, PlanContent, plan_hash
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import changed
from tests.harness import builders as make

SOLD_BY_GERMANY = make.opportunity(make.fixed_line(product_family="US Delivery"), make.milestone_line())


def reference(kind: ReferenceKind, key: str, **value: object) -> ReferenceRow:
    return ReferenceRow(kind=kind, key=key, valid_from=date(2026, 1, 1), value=value)


def findings(deal: Opportunity, book: ReferenceBook) -> list[tuple[str, str, str]]:
    result: Enrichment | tuple[Finding, ...] = enrich(deal, book)
    assert not isinstance(result, Enrichment)
    return [(found.code, found.path, found.value) for found in result]


def test_the_work_is_booked_where_it_is_done_and_the_revenue_where_it_is_sold() -> None:
    node = make.content(SOLD_BY_GERMANY).node("00kL2")

    assert node.cost_centre == "CC-US-CLOUD"
    assert node.revenue_cost_centre == "CC-DE-CLOUD"
    delivery = node.intercompany
    assert delivery is not None
    assert (delivery.delivery_entity, delivery.erp_company) == ("ACME-US", "ACME-US")
    assert str(delivery.transfer_price) == "cost plus 8 % (ICA-2025-01)"


def test_who_delivers_what_it_sells_owes_nobody() -> None:
    content = make.content(SOLD_BY_GERMANY)
    sold_there = make.content(changed(SOLD_BY_GERMANY, contracting_entity="ACME-US", currency="USD"))

    assert content.node("00kL3").intercompany is None
    assert content.node("00kL3").revenue_cost_centre == "CC-DE-CLOUD"
    assert sold_there.node("00kL2").intercompany is None
    assert "intercompany" not in content.node("00kL3").model_dump(mode="json")


def test_a_region_has_its_own_delivering_entity_unless_a_rule_names_another() -> None:
    region = reference(
        ReferenceKind.REGION, "LATAM", code="NA", name="Latin America", delivery_entity="ACME-US"
    )
    rule = reference(
        ReferenceKind.SPLIT_RULE,
        "home",
        code="home",
        order=1,
        when={"product_family": ["At home"]},
        delivery_entity="ACME-DE",
    )
    deal = make.opportunity(
        make.fixed_line(id="00kL1", delivery_region="LATAM"),
        make.fixed_line(id="00kL2", delivery_region="LATAM", product_family="At home"),
        make.fixed_line(id="00kL3"),
    )

    content = make.content(deal, make.book(region, rule))

    assert [content.node(key).cost_centre for key in ("00kL1", "00kL2", "00kL3")] == [
        "CC-US-CLOUD",
        "CC-DE-CLOUD",
        "CC-DE-CLOUD",
    ]


def test_a_transfer_price_that_nobody_agreed_on_stops_the_deal() -> None:
    book = make.book(without=frozenset({ReferenceKind.TRANSFER_PRICE}))

    assert findings(SOLD_BY_GERMANY, book) == [("TRANSFER_PRICE_MISSING", "/lines/0", "ACME-DE|ACME-US")]


def test_an_entity_that_is_not_approved_does_not_deliver_either() -> None:
    rule = reference(ReferenceKind.SPLIT_RULE, "new", code="new", order=1, delivery_entity="ACME-JP")
    entity = reference(ReferenceKind.LEGAL_ENTITY, "ACME-JP", **_entity())
    price = reference(ReferenceKind.TRANSFER_PRICE, "ACME-DE|ACME-JP", percent="5")
    centre = reference(ReferenceKind.COST_CENTRE, "ACME-JP|CLOUD", code="CC-JP", name="Cloud Japan")
    deal = make.opportunity(make.fixed_line())

    assert findings(deal, make.book(rule, entity, price, centre)) == [
        ("LEGAL_ENTITY_NOT_APPROVED", "/lines/0", "ACME-JP")
    ]


def _entity() -> dict[str, object]:
    entity = changed(make.legal_entity("ACME-US"), code="ACME-JP", erp_company="ACME-JP", approved=False)
    return entity.model_dump(mode="json")


@pytest.mark.parametrize("percent", ["5", "12.5"])
def test_another_transfer_price_is_another_plan(percent: str) -> None:
    kind = ReferenceKind.TRANSFER_PRICE
    price = reference(kind, "ACME-DE|ACME-US", percent=percent)
    other = make.content(SOLD_BY_GERMANY, make.book(price, without=frozenset({kind})))

    assert plan_hash(other) != plan_hash(make.content(SOLD_BY_GERMANY))


def test_tryton_is_told_in_a_note() -> None:
    content: PlanContent = make.content(SOLD_BY_GERMANY)

    notes = landing.node_notes(content, content.node("00kL2"))

    assert notes["cost centre"] == "CC-US-CLOUD"
    assert notes["delivered by"] == "ACME-US (intercompany)"
    assert notes["transfer price"] == "cost plus 8 % (ICA-2025-01)"
    assert notes["revenue cost centre"] == "CC-DE-CLOUD"
    assert "delivered by" not in landing.node_notes(content, content.node(ROOT_PATH))
