"""The plan: exactly the deal's money, in a tree whose hash depends only on what will exist."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppsync.domain.deal.opportunity import ContractTerms, Opportunity
from oppsync.domain.plan.plan import ROOT_PATH, PlanContent, plan_hash, short_hash
from oppsync.domain.planning.planning import check
from oppsync.domain.values.model import changed
from tests.harness import builders as make
from tests.harness.random_deals import ANY_BOOK, deals, profile


def tree(content: PlanContent) -> list[tuple[str, str | None, str]]:
    return [(node.path, node.parent, node.kind.value) for node in content.nodes]


def test_several_workstreams_stand_under_one_parent() -> None:
    content = make.content(make.opportunity())

    assert tree(content) == [
        ("project", None, "project"),
        ("00kL1", "project", "workstream"),
        ("00kL2", "project", "workstream"),
        ("00kL2/task/kick-off", "00kL2", "task"),
        ("00kL3", "project", "workstream"),
        ("00kL3/task/landing-zone-review", "00kL3", "task"),
    ]
    parent = content.node(ROOT_PATH)
    assert (parent.name, parent.billing_model, parent.lines) == ("Globex goes to the cloud", None, ())
    assert (parent.amount.text, parent.hours) == ("44400.00", Decimal(160))
    assert content.node("00kL2").name == "Cloud foundation"


def test_one_workstream_is_the_project_itself() -> None:
    content = make.content(make.opportunity(make.fixed_line()))

    assert tree(content) == [("project", None, "project"), ("project/task/kick-off", "project", "task")]
    root = content.node(ROOT_PATH)
    assert (root.name, root.billing_model, root.template) == (
        "Globex goes to the cloud",
        "fixed_fee",
        "TPL-CLOUD-DACH-FF",
    )
    assert len(root.lines) == 4


def test_the_parent_spans_its_children() -> None:
    early = make.fixed_line(starts_on=date(2026, 5, 1))
    late = make.milestone_line(ends_on=date(2027, 1, 31))

    root = make.content(make.opportunity(early, late)).node(ROOT_PATH)

    assert (root.starts_on, root.ends_on) == (date(2026, 5, 1), date(2027, 1, 31))


def test_the_plan_says_who_contracts_with_whom_and_how() -> None:
    content = make.content(make.opportunity())

    assert (content.customer, content.legal_entity, content.erp_company) == ("CUST-1001", "ACME-DE", "ACME-DE")
    assert (content.tax, content.tax_percent, content.payment_terms) == ("VAT-DE-19", Decimal(19), "NET30")
    assert content.delivery_model == "HYBRID"
    assert content.compliance["DACH data residency"] == "EU"


def test_a_plan_carries_the_rules_of_every_region_it_is_delivered_in() -> None:
    deal = make.opportunity(make.fixed_line(delivery_region="NA"), make.milestone_line())

    compliance = make.content(deal).compliance

    assert (compliance["DACH data residency"], compliance["NA data residency"]) == ("EU", "US")


@profile(30)
@given(deal=deals(), data=st.data())
def test_the_hash_does_not_depend_on_the_order_the_crm_answers_in(
    deal: Opportunity, data: st.DataObject
) -> None:
    shuffled = changed(deal, lines=data.draw(st.permutations(deal.lines)))

    assert plan_hash(make.content(shuffled, ANY_BOOK)) == plan_hash(make.content(deal, ANY_BOOK))


def test_the_hash_does_not_depend_on_how_a_number_was_written() -> None:
    plain = make.opportunity(make.time_line(quantity="100", discount_percent="10"))
    padded = make.opportunity(make.time_line(quantity="1E+2", discount_percent="10.000", net="14400.00"))

    assert plan_hash(make.content(plain)) == plan_hash(make.content(padded))


def test_the_hash_does_not_depend_on_the_order_of_attributes() -> None:
    content = make.content(make.opportunity())
    turned = changed(content, compliance=dict(reversed(content.compliance.items())))

    assert plan_hash(turned) == plan_hash(content)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Globex goes elsewhere"},
        {"ends_on": date(2026, 9, 16)},
        {"contract": ContractTerms(payment_terms="NET60")},
        {"contract": ContractTerms(payment_terms="NET30", po_number="PO-7")},
        {"contract": ContractTerms(payment_terms="NET30", po_expires_on=date(2026, 12, 31))},
        {"contract": ContractTerms(payment_terms="NET30", signed_on=date(2026, 5, 1))},
        {"contract": ContractTerms(payment_terms="NET30", special_terms="No travel")},
        {"delivery_model": "Onshore"},
        {"account": make.account(code="CUST-1004")},
        {"lines": (make.time_line(), make.fixed_line(unit_price=10_001, net=10_001), make.milestone_line())},
    ],
)
def test_whatever_changes_what_will_exist_changes_the_hash(change: dict[str, Any]) -> None:
    deal = make.opportunity()
    other = changed(deal, **change)
    other = changed(other, amount=sum(line.net for line in other.lines))

    assert plan_hash(make.content(other)) != plan_hash(make.content(deal))


def test_what_the_erp_never_sees_leaves_the_hash_alone() -> None:
    deal = make.opportunity()
    other = changed(deal, version="later", probability=90, custom_attributes={"mood": "good"})

    assert plan_hash(make.content(other)) == plan_hash(make.content(deal))


def test_people_compare_eight_characters() -> None:
    assert short_hash("9f2c41a7" + "0" * 56) == "9F2C 41A7"


def test_a_plan_whose_money_is_not_the_deals_is_a_bug() -> None:
    with pytest.raises(ValueError, match=r"the sums do not agree with EUR 10,000\.02"):
        make.content(make.opportunity(make.fixed_line(), amount="10000.02"))


def test_two_things_of_one_path_are_a_bug() -> None:
    content = make.content(make.opportunity(make.fixed_line()))

    with pytest.raises(ValueError, match="two things have the same path"):
        check(make.changed(content, nodes=(*content.nodes, content.nodes[-1])))


@pytest.mark.parametrize(("decimals", "rate"), [(2, "106.67"), (4, "106.6667"), (6, "106.666672")])
def test_an_hours_price_has_the_decimals_that_the_erp_keeps(decimals: int, rate: str) -> None:
    """The amount is what was sold, however the rate is rounded."""
    deal = make.opportunity(make.time_line(discount_percent="33.33333", net="10666.67"))

    content = make.content(deal, price_decimals=decimals)

    [(_, line)] = content.billing_lines()
    assert line.rate == Decimal(rate)
    assert line.amount.text == "10666.67"
