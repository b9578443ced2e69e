"""Deals written by hand: JSON and YAML mean the same, and each fault has its line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from adapters.documents.canonical_document import (
    DEEPEST,
    LONGEST,
    UnreadableDocument,
    read_document,
    read_opportunity,
)
from oppsync.kernel import canonical_json
from tests.harness import builders as make

YAML_DEAL = """\
# An open deal
system: by-hand
id: "4711"
version: "1"
modified_at: 2026-05-04T09:00:00Z
name: Globex goes to the cloud
stage: Proposal
is_won: false
amount: 14400.00
currency: EUR
starts_on: 2026-06-01
lines:
  - id: A
    quantity: 100
    unit: hour
    unit_price: 160
    discount_percent: 10.0
    net: 14400.00
"""


def faults(text: str) -> list[str]:
    with pytest.raises(UnreadableDocument) as caught:
        read_opportunity(text)
    return [str(fault) for fault in caught.value.faults]


def test_a_deal_in_yaml() -> None:
    deal = read_opportunity(YAML_DEAL)

    assert (deal.name, deal.is_won, str(deal.starts_on)) == ("Globex goes to the cloud", False, "2026-06-01")
    assert (deal.amount, deal.lines[0].discount_percent) == (Decimal("14400.00"), Decimal("10.0"))


@pytest.mark.parametrize("indent", ["", "  ", "\t"])
def test_what_the_api_shows_of_a_deal_can_be_read_back(indent: str) -> None:
    deal = make.opportunity(name='Globex "Ü" 😀 / \\ goes', won_on=None)
    text = deal.model_dump_json(indent=len(indent) or None, ensure_ascii=True)

    assert read_opportunity(text.replace("  ", "\t") if indent == "\t" else text) == deal


def test_every_fault_is_told_with_its_line() -> None:
    text = YAML_DEAL.replace("currency: EUR", "currency: 978\ncolour: red").replace(
        "quantity: 100", "quantity: ten"
    )

    assert [fault.split(": ")[:2] for fault in faults(text)] == [
        ["line 10", "/currency"],
        ["line 11", "/colour"],
        ["line 15", "/lines/0/quantity"],
    ]


def test_what_is_missing_is_told_where_it_belongs() -> None:
    assert faults(YAML_DEAL.replace("    net: 14400.00\n", "")) == ["line 13: /lines/0/net: Field required"]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "the document is empty"),
        ("- 1", 1, "Input should be an object"),
        ('{"id": "1",\n "id": "2"}', 2, "/id: appears twice"),
        ("id: &here 1\nname: *here", 1, "anchors and aliases are not supported"),
        ("a: &a [*a]", 1, "anchors and aliases are not supported"),
        ("id: !!python/object:os.system x", 1, "is not supported"),
        ("[1]: 2", 1, "a name must be text"),
        ("name: one\n  two: three", 2, "mapping values are not allowed"),
        ('{"name": "one"\n', 2, "expected"),
        ("name: one\n---\nname: two", 2, "expected a single document"),
        ('{"name": "\\ud83d"}', 1, "half of a surrogate pair"),
        ("name: \x07", 1, "special characters are not allowed"),
        ("a" * (LONGEST + 1), 1, "longer than"),
        ("[" * 5_000, 1, "nested too deeply"),
        ("- 1\n" + "- " * (DEEPEST + 1), 2, "nested too deeply"),
        ("{a: " * (DEEPEST + 1), 1, "nested too deeply"),
    ],
)
def test_what_cannot_be_read(text: str, line: int, said: str) -> None:
    (first, *_) = faults(text)

    assert first.startswith(f"line {line}: ")
    assert said in first


def test_what_is_nested_deeply_is_refused_where_it_gets_too_deep() -> None:
    read_document("- " * DEEPEST + "1")

    # Whatever comes after it, and however long that is, is not read: it would be refused for its anchor.
    assert faults("[\n" * 9_000 + "&here 1") == [f"line {DEEPEST + 2}: nested too deeply"]


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("1.10", Decimal("1.10")),
        ("1e3", Decimal("1e3")),
        ("007", "007"),
        ("0x1F", "0x1F"),
        (".nan", ".nan"),
        ("9" * 200, "9" * 200),
        ("yes", "yes"),
        ("true", True),
        ("~", None),
        ("2026-02-30", "2026-02-30"),
        ("=", "="),
    ],
)
def test_scalars_mean_what_json_would_mean(said: str, means: object) -> None:
    document, lines = read_document(f"\nvalue: {said}")

    assert document == {"value": means}
    assert str(document["value"]) == str(means)
    assert lines == {"": 2, "/value": 2}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=8,
)


@given(document=st.dictionaries(st.text(max_size=20), JSON, max_size=4))
def test_json_is_read_as_it_was_written(document: dict[str, Any]) -> None:
    text = canonical_json.dumps(document)

    assert read_document(text)[0] == canonical_json.loads(text)


def test_the_yaml_of_these_tests_is_yaml_to_others_too() -> None:
    assert YAML(typ="safe", pure=True).load(YAML_DEAL)["lines"][0]["id"] == "A"
