"""docs/rules.md has each fact that conditions see, and each fact has a value."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.documents.canonical_document import read_document
from oppsync.domain.approval.conditions import plan_context
from oppsync.domain.policy.context import SEEN, SHAPES, VARIABLES, FactType, Scope
from oppsync.domain.policy.examples import wrong_with
from oppsync.domain.policy.expressions import BadCondition, compiled, context_of, holds
from oppsync.domain.policy.facts import Codes, line_values
from oppsync.domain.policy.rule import Fillable, Rule
from oppsync.domain.values.model import changed
from tests.harness import builders as make

DOCUMENT = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^### `(\w+)`\n\n\| fact .*\n\|---.*\n((?:\| .*\n)+)", re.MULTILINE)
ROW = re.compile(r"\| `(\w+)` \| ([^|]+) \| ([^|]+) \|\n")
SEES = re.compile(r"^\| (of [^|]+) \| ((?:`\w+`(?:, )?)+) \|$", re.MULTILINE)


def test_each_fact_stands_in_the_document_with_its_type_and_words() -> None:
    told = {name: ROW.findall(rows) for name, rows in SECTION.findall(DOCUMENT)}

    assert told == {
        shape.lower(): [(fact.name, fact.type.value, fact.words) for fact in facts]
        for shape, facts in SHAPES.items()
    }


def test_what_each_condition_sees_stands_there() -> None:
    told = [tuple(re.findall(r"`(\w+)`", variables)) for _, variables in SEES.findall(DOCUMENT)]

    assert told == [SEEN[Scope.DEAL], SEEN[Scope.LINE], SEEN[Scope.PLAN]]


def test_the_rules_of_the_document_do_what_their_examples_say() -> None:
    text = DOCUMENT.partition("```yaml\n")[2].partition("```")[0]
    rows, _lines = read_document(text)

    assert [row["name"] for row in rows] == ["po-needed", "hybrid-in-the-us"]
    for row in rows:
        rule = Rule.model_validate({name: row[name] for name in row if name in Rule.model_fields})
        assert list(wrong_with(rule.condition, rule.examples, None)) == []
    fields = DOCUMENT.partition("| `fills` | of enrichment: ")[2].partition(", each")[0]
    assert set(re.findall(r"`(\w+)`", fields)) == {field.value for field in Fillable}


@pytest.mark.parametrize("condition", re.findall(r"`((?:deal|lines|margin)\.[^`…]*[<>=(][^`…]*)`", DOCUMENT))
def test_the_conditions_of_the_text_compile(condition: str) -> None:
    try:
        compiled(condition, Scope.PLAN)
    except BadCondition as refused:
        assert "amuont" in str(refused)  # noqa: PT017


FULL = make.opportunity(
    make.time_line(product_family="Consulting", phase="Build", product_code="P-1"),
    probability=90,
    billing_model="fixed_fee",
    service_line="Advisory",
    custom_attributes={"Risk": "high"},
    account=make.account(po_required=True, subdivision="BY", country="DE"),
)
CONTRACT = changed(
    FULL.contract,
    po_number="PO-7",
    po_limit=Decimal(50_000),
    po_expires_on=date(2027, 1, 1),
    signed_on=date(2026, 5, 1),
    special_terms="Liability",
    document_url="https://sign.example.com/7",
)


def test_every_fact_has_a_value() -> None:
    """Of a deal that has everything, each fact is there."""
    deal = changed(FULL, contract=CONTRACT)
    enrichment = make.enrichment(FULL)
    content = make.content(FULL)
    seen = plan_context(content, deal, enrichment)
    of_line = context_of(Scope.LINE, {"line": line_values(deal, deal.lines[0], Codes())})

    for name in SEEN[Scope.PLAN]:
        variable, context = VARIABLES[name], seen
        for fact in SHAPES[variable.shape]:
            asked = f"{'line' if variable.many else name}.{fact.name}"
            there = (
                f"size({asked}) > 0"
                if fact.type in (FactType.TEXTS, FactType.TEXT_BY_NAME)
                else f"has({asked})"
            )
            assert holds(there, of_line if variable.many else context), asked
