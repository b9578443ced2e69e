"""Deals worked out by hand: each one's plan, every figure with its arithmetic beside it.

`deals/*.yaml`: `deal` is a canonical document without the parts that all of them share (COMMON), `plan` is the
expected plan. A figure is written `{is: "14400.00", because: 100 * 160 * 0.9}`; the arithmetic is computed
here, in plain Decimal, and compared with the written figure, and that with the plan. Every node and line is
listed under its path, with the fields that matter to the story and always its amounts. The firm is
`deals/firm.yaml`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from adapters.documents.canonical_document import read_document
from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.plan import NodeKind
from oppsync.domain.reading.preview import PlanPreview
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.keys import EffectKind, outside_key
from oppsync.domain.values.model import require
from oppsync.kernel import canonical_json
from oppsync.services.insight.preview_plan import Deciders, preview
from tests.harness import builders as make
from tests.unit.arithmetic import worked_out
from tests.unit.test_preview import PEOPLE

FOLDER = Path(__file__).parent / "deals"
BEGIN = date(2025, 1, 1)
COMMON: dict[str, Any] = {
    "system": "by-hand",
    "version": "1",
    "modified_at": "2026-03-02T09:00:00Z",
    "stage": "Closed Won",
    "is_won": True,
    "won_on": "2026-03-02",
    "probability": 100,
    "owner": {"id": "sam", "name": "Sam Seller", "email": "sam.seller@example.com"},
}


def read(path: Path) -> dict[str, Any]:
    document, _lines = read_document(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


FIRM = read(FOLDER / "firm.yaml")
DEALS = {path.stem: read(path) for path in sorted(FOLDER.glob("*.yaml")) if path.stem != "firm"}


def rows() -> Iterator[ReferenceRow]:
    """The firm's own rows, with a region, cost centres and templates for each of its entities."""
    for kind, of_kind in FIRM["rows"].items():
        for key, value in of_kind.items():
            yield row(ReferenceKind(kind), key, value)
    for code, entity in FIRM["entities"].items():
        yield row(
            ReferenceKind.LEGAL_ENTITY,
            code,
            FIRM["every_entity"] | entity | {"code": code, "erp_company": code},
        )
        region = entity["country"]
        yield row(ReferenceKind.REGION, region, {"code": region, "name": region})
        for line, model in product(("ADV", "CLOUD"), BILLING_MODELS):
            yield row(
                ReferenceKind.COST_CENTRE, f"{code}|{line}", {"code": f"CC-{region}-{line}", "name": line}
            )
            name = f"TPL-{line}-{region}-{model}"
            yield row(ReferenceKind.PROJECT_TEMPLATE, f"{line}|{region}|{model}", {"code": name, "name": name})


def row(kind: ReferenceKind, key: str, value: Mapping[str, Any]) -> ReferenceRow:
    text = canonical_json.loads(canonical_json.dumps(value))
    return ReferenceRow(kind=kind, key=key, valid_from=BEGIN, value=text)


BOOK = ReferenceBook({(each.kind, each.key): each for each in rows()}.values())


def deal(name: str) -> Opportunity:
    document = COMMON | DEALS[name]["deal"]
    return Opportunity.model_validate_json(canonical_json.dumps(document), strict=True)


def previewed(name: str) -> PlanPreview:
    sold = deal(name)
    won_on = require(sold.won_on, "the close date")
    entity = BOOK.find(
        LegalEntity, ReferenceKind.LEGAL_ENTITY, require(sold.contracting_entity, "the entity"), won_on
    )
    facts = ValidationFacts(
        legal_entity=entity[0] if entity else None,
        erp=make.erp(),
        today=won_on,
    )
    return preview(sold, facts, BOOK, lambda plan, by_rule: Deciders(PEOPLE), make.NOW)


def figures(expected: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(expected, dict) and "because" in expected:
        yield expected
    elif isinstance(expected, dict | list):
        for each in expected.values() if isinstance(expected, dict) else expected:
            yield from figures(each)


def check(expected: Any, found: Any, where: str) -> None:
    """Compare each expected field; a figure, money or not, by its number and its digits."""
    if isinstance(expected, dict) and "because" in expected:
        said = found["amount"] if isinstance(found, dict) else found
        assert said == expected["is"], where
    elif isinstance(expected, dict):
        for name, value in expected.items():
            check(value, found.get(name), f"{where}/{name}")
    elif isinstance(expected, list):
        for index, (each, there) in enumerate(zip(expected, found, strict=True)):
            check(each, there, f"{where}/{index}")
    else:
        assert found == expected, where


@pytest.mark.parametrize("name", DEALS)
def test_the_arithmetic_is_right(name: str) -> None:
    worked = list(figures(DEALS[name]["plan"]))

    assert worked
    for figure in worked:
        assert worked_out(figure["because"]) == Decimal(figure["is"]), figure


@pytest.mark.parametrize("name", DEALS)
def test_the_deal_becomes_the_plan_worked_out_by_hand(name: str) -> None:
    shown, expected = previewed(name), DEALS[name]["plan"]
    assert [found.code for found in shown.findings] == DEALS[name].get("warnings", [])
    assert shown.plan is not None
    content = shown.plan.content.document()
    nodes = {node.path: node for node in shown.plan.content.nodes if node.kind is not NodeKind.TASK}

    check({name: value for name, value in expected.items() if name != "nodes"}, content, "plan")
    assert set(expected["nodes"]) == set(nodes)
    for path, node in expected["nodes"].items():
        assert "amount" in node, path
        lines = node.get("lines", {})
        own = {name: value for name, value in node.items() if name != "lines"}
        check(own, nodes[path].model_dump(mode="json"), path)
        assert list(lines) == [line.path for line in nodes[path].lines], path
        for line in nodes[path].lines:
            assert "amount" in lines[line.path], line.path
            check(lines[line.path], line.model_dump(mode="json"), line.path)


@pytest.mark.parametrize("name", DEALS)
def test_what_was_worked_out_adds_up(name: str) -> None:
    """In plain Decimal: schedule = workstreams = contract."""
    expected = DEALS[name]["plan"]
    total = worked_out(expected["total"]["because"])
    root = worked_out(expected["nodes"]["project"]["amount"]["because"])
    lines = [
        worked_out(line["amount"]["because"])
        for node in expected["nodes"].values()
        for line in node.get("lines", {}).values()
    ]

    assert root == total == sum(lines)


def test_the_deals_are_those_of_a_global_firm() -> None:
    sold = [deal(name) for name in DEALS]
    models = [{each.billing_model_of(line) for line in each.lines} for each in sold]

    assert len(sold) >= 30
    assert len({require(each.account, "the account").country for each in sold}) >= 10
    currencies = Counter(each.currency for each in sold)
    assert len(currencies) >= 7
    assert {"JPY", "KWD"} <= set(currencies)
    assert set().union(*models) == set(BILLING_MODELS)
    assert sum(len(of_deal) > 1 for of_deal in models) >= 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100 * 160 * (100 - 10) / 100", "14400"),
        ("floor(100000 / 7, 2)", "14285.71"),
        ("even(0.125, 2) + even(0.135, 2)", "0.26"),
        ('days("2026-02-15", "2026-02-28") / 28', "0.5"),
        ("12345678901234567.89 + 0.01", "12345678901234567.90"),
    ],
)
def test_arithmetic_is_exact(text: str, value: str) -> None:
    assert worked_out(text) == Decimal(value)


@pytest.mark.parametrize("text", ["__import__('os')", "2 ** 9", "a", "round(1.5)", "'5'.upper()"])
def test_nothing_but_arithmetic_is_worked_out(text: str) -> None:
    with pytest.raises(ValueError, match=r"not plain arithmetic|is not known here"):
        worked_out(text)


def with_long_ids(value: Any) -> Any:
    """The document with every id of a line or a milestone as long as one may be."""
    if isinstance(value, list):
        return [with_long_ids(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: str(inside).ljust(200, "x") if name == "id" else with_long_ids(inside)
        for name, inside in value.items()
    }


@pytest.mark.parametrize("name", DEALS)
def test_ids_as_long_as_they_may_be_make_the_same_plan(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = previewed(name).plan
    assert usual is not None
    sold = DEALS[name]["deal"]
    long = {part: with_long_ids(sold[part]) for part in ("lines", "milestones") if part in sold}
    monkeypatch.setitem(DEALS, name, DEALS[name] | {"deal": sold | long})

    first, again = previewed(name).plan, previewed(name).plan

    assert first is not None
    assert first == again
    nodes, lines = first.content.nodes, [line for node in first.content.nodes for line in node.lines]
    of_usual = [line for node in usual.content.nodes for line in node.lines]
    assert [node.amount for node in nodes] == [node.amount for node in usual.content.nodes]
    assert [line.amount for line in lines] == [line.amount for line in of_usual]
    keys = {
        outside_key("default", "crm-1", "006" + "A" * 15, EffectKind.BILLING_LINE, each.path) for each in lines
    }
    assert len(keys) == len(lines)
    assert max((len(key) for key in keys), default=0) <= 200


@pytest.mark.parametrize(
    ("starts_on", "code"), [("2026-04-01", "RUN_TOO_LONG"), ("9999-11-15", "DATE_FAR_AWAY")]
)
@pytest.mark.parametrize("name", DEALS)
def test_a_day_that_means_for_ever_is_a_finding_for_sales(
    name: str, starts_on: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People type it where a contract has no end; periods and due dates after it do not exist."""
    sold = DEALS[name]["deal"] | {"starts_on": starts_on, "ends_on": "9999-12-31"}
    monkeypatch.setitem(DEALS, name, DEALS[name] | {"deal": sold})

    assert code in {found.code for found in previewed(name).findings}
