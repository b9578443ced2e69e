"""Every exception code has a way out: it is raised, what its text says is done, and the deal becomes active."""

from __future__ import annotations

import ast
from pathlib import Path
from uuid import uuid4

import pytest

from oppsync.domain.values.findings.codes import CODES
from oppsync.domain.values.findings.finding import Severity
from oppsync.domain.work.states import State
from tests.harness.house import House
from tests.harness.tryton import Books
from tests.service.ways import Case, Told, Way, nothing
from tests.service.ways_out import WAYS

HERE = Path(__file__).parent
GONE = [code for code, way in WAYS.items() if isinstance(way, Way)]
TOLD = [code for code, way in WAYS.items() if isinstance(way, Told)]


def test_every_code_has_a_row_and_nothing_else_has() -> None:
    assert set(WAYS) == set(CODES)


@pytest.mark.parametrize("code", TOLD)
def test_a_code_that_another_story_tells_is_told_there(code: str) -> None:
    told = WAYS[code]
    assert isinstance(told, Told)
    source = (HERE / told.file).read_text(encoding="utf-8")

    stories = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    assert told.story in stories
    assert code in source


@pytest.mark.parametrize("code", GONE)
def test_what_the_text_of_a_code_says_is_a_way_out(house: House, books: Books, code: str) -> None:
    way = WAYS[code]
    assert isinstance(way, Way)
    case = Case(house, books, f"W-{uuid4().hex[:8].upper()}")
    way.before(case)
    case.record_id = house.win(way.deal(case))
    house.settle()
    way.later(case)
    house.settle()

    if CODES[code].severity is Severity.WARNS:
        assert code in warnings(case)
    else:
        assert house.state(case.record_id) is State.PARKED, warnings(case)
        item = house.exception(case.record_id)
        (found, *_) = [each for each in item.findings if each.code == code]
        assert (found.owner, bool(found.fix)) == (CODES[code].owner, True)
    if way.mend is not nothing:
        way.mend(case)
        house.settle()
        assert house.state(case.record_id) is State.AWAITING_APPROVAL, trouble(case)
        assert code not in warnings(case)
    house.approve(case.record_id)
    house.settle()

    assert house.state(case.record_id) is State.ACTIVE, trouble(case)
    assert house.exceptions(case.record_id) == []


def warnings(case: Case) -> list[str]:
    assert case.house.state(case.record_id) is State.AWAITING_APPROVAL, trouble(case)
    return [each.code for each in case.house.opportunity(case.record_id).warnings]


def trouble(case: Case) -> list[str]:
    items = case.house.exceptions(case.record_id)
    return [f"{found.code}: {found.message}" for item in items for found in item.findings or ()]
