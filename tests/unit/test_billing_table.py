"""The table of billing models is whole, and a deal may mix all of them."""

from __future__ import annotations

import pytest

from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.billing_terms import BillingTerms
from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.plan.plan import ROOT_PATH, NodeKind
from oppsync.domain.reference.billing_policy import BillingPolicy
from oppsync.domain.validation.table import validate
from oppsync.domain.values.model import Frozen
from tests.harness import builders as make
from web.pages.statuses import BILLING_MODELS as WORDS


def test_every_model_the_deal_can_carry_has_its_room_its_words_and_a_line_to_test_with() -> None:
    assert list(BILLING_MODELS) == list(BillingModelCode) == list(make.LINES)
    assert set(WORDS) == set(BillingModelCode)


@pytest.mark.parametrize("code", BillingModelCode)
def test_a_model_makes_only_the_kinds_of_lines_it_says(code: BillingModelCode) -> None:
    model = BILLING_MODELS[code]
    lines = model.lines(make.workstream(make.LINES[code]()))

    assert {line.kind for line in lines} == model.kinds
    assert model.code is code
    assert model.uses <= set(BillingTerms.model_fields)


@pytest.mark.parametrize("code", BillingModelCode)
def test_a_sound_line_of_each_model_has_no_findings(code: BillingModelCode) -> None:
    assert validate(make.opportunity(make.LINES[code]()), make.facts()) == ()


def test_a_deal_mixes_all_of_them_under_a_parent_that_carries_none() -> None:
    deal = make.opportunity(*(line() for line in make.LINES.values()))
    assert validate(deal, make.facts()) == ()

    content = make.content(deal)

    root = content.node(ROOT_PATH)
    children = [node for node in content.nodes if node.kind is NodeKind.WORKSTREAM]
    assert (root.billing_model, root.lines, root.terms) == (None, (), BillingTerms())
    assert {node.billing_model for node in children} == set(BillingModelCode)


@pytest.mark.parametrize(
    "shape",
    [
        make.opportunity(),
        make.opportunity().contract,
        make.fixed_line(),
        make.legal_entity(billing_policy=BillingPolicy()),
    ],
)
def test_a_deal_that_uses_no_terms_is_stored_as_it_always_was(shape: Frozen) -> None:
    unused = {"billing", "po_limit", "subdivision", "billing_policy"}

    assert not unused & set(shape.model_dump(mode="json"))


def test_a_plan_that_uses_no_terms_is_stored_as_it_always_was() -> None:
    document = make.content(make.opportunity()).document()

    assert not {"po_limit", "tax_rounding"} & set(document)
    for node in document["nodes"]:  # type: ignore[attr-defined]
        assert "terms" not in node
        assert not any("period_starts_on" in line or "period_ends_on" in line for line in node["lines"])
