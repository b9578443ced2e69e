"""What becomes of a deal under other rules is said in one word and one line."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from oppsync.domain.approval.tasks import Person
from oppsync.domain.deal.customers import CustomerMatch
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.reading.open_deals import Fate, fate_of
from oppsync.domain.reading.preview import PlanPreview
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.model import changed
from oppsync.services.insight.preview_plan import Deciders, preview
from tests.harness import builders

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
FIONA = Person(id=UUID(int=1), email="fiona@example.com", name="Fiona", roles=frozenset())
PEOPLE = {"finance": [FIONA], "delivery": [FIONA], "board": [FIONA]}
BOOK = builders.book()


def nowhere_else(systems: PlanSystems | None) -> str:
    return ""


def previewed(book: ReferenceBook, customer: CustomerMatch | None = None) -> PlanPreview:
    deal = builders.opportunity()
    match = customer or CustomerMatch(customer=builders.GLOBEX, code=builders.GLOBEX.code)
    facts: ValidationFacts = changed(builders.facts(), customer=match)
    return preview(deal, facts, book, lambda plan, by_rule: Deciders(PEOPLE), NOW)


def board(**values: Any) -> ReferenceBook:
    value = {"name": "The board", "people": ["ann@example.com"], **values}
    step = ReferenceRow(kind=ReferenceKind.APPROVAL_STEP, key="board", valid_from=date(2025, 1, 1), value=value)
    return ReferenceBook([*BOOK.rows, step])


def without(kind: ReferenceKind) -> ReferenceBook:
    return ReferenceBook(row for row in BOOK.rows if row.kind is not kind)


def test_of_a_deal_that_both_stop_what_stops_it_counts() -> None:
    nobody = CustomerMatch(code="NOBODY")
    before, after = previewed(BOOK, nobody), previewed(without(ReferenceKind.COST_CENTRE), nobody)
    assert before.is_blocked

    fate, what = fate_of(before, after, nowhere_else)

    assert fate is Fate.OTHER_FINDINGS
    assert what.startswith("No cost centre is set for")
    assert fate_of(after, before, nowhere_else) == (Fate.OTHER_FINDINGS, f"No longer: {what}")


def test_the_same_is_the_same_and_a_stop_is_told_by_its_finding() -> None:
    sound, stopped = previewed(BOOK), previewed(without(ReferenceKind.COST_CENTRE))
    assert fate_of(sound, sound, nowhere_else) == (Fate.SAME, "")
    assert fate_of(sound, stopped, nowhere_else)[0] is Fate.STOPPED
    assert fate_of(stopped, sound, nowhere_else)[0] is Fate.FREED


def test_who_approves_otherwise_is_told_also_where_only_the_order_differs() -> None:
    before = previewed(board(order=2))

    others = fate_of(before, previewed(board(order=2, people=["bea@example.com"])), nowhere_else)
    later = fate_of(before, previewed(board(order=3)), nowhere_else)

    assert others[0] is later[0] is Fate.OTHER_PLAN
    assert others[1].endswith("then The board (bea@example.com)")
    assert later[1].startswith(
        "the deal: approvals: finance at order 1, delivery at order 1, board at order 2 -> "
    )
    assert later[1].endswith("board at order 3")
