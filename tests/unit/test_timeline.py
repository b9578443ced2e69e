"""What an entry of the timeline says, as people read it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from oppsync.domain.deal.changes import changes
from oppsync.domain.reading.readings import TimelineEntry
from oppsync.domain.values.model import changed
from tests.harness import builders as make
from web.pages.timeline import facts


def told(
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    detail: dict[str, Any] | None = None,
) -> list[tuple[str, str]]:
    entry = TimelineEntry(
        id=uuid.uuid4(),
        at=datetime(2026, 6, 1, tzinfo=UTC),
        type="record.read.v1",
        actor="stage:validate",
        summary="",
        before=before or {},
        after=after or {},
        detail=detail or {},
        correlation_id="0af7651916cd43dd8448eb211c80319c",
    )
    return [(fact.name, fact.value) for fact in facts(entry)]


def test_a_first_reading_names_each_value_and_nothing_that_is_empty() -> None:
    deal = make.opportunity(make.fixed_line(id="00kL1", description="Discovery"))

    words = told(*changes(None, deal))

    assert ("Net amount of Discovery", str(deal.lines[0].net)) in words
    assert ("Account name", "Globex GmbH") in words
    assert all(value and not set("[]{}") & set(value) and value != "None" for _name, value in words)


def test_a_changed_line_is_told_by_what_changed_of_it_and_a_new_one_changes_no_other() -> None:
    first, second = (
        make.fixed_line(id="00kL1", description="Discovery"),
        make.fixed_line(id="00kL2", description="Build"),
    )
    was = make.opportunity(second)
    now = make.opportunity(first, changed(second, role="Architect"))

    words = told(*changes(was, now))

    assert [name for name, _value in words if name.endswith("of Build")] == ["Role of Build"]
    assert ("Description of Discovery", "Discovery") in words


def test_a_value_that_went_is_said_to_be_empty_and_one_that_is_only_named_is_not() -> None:
    gone = told({"name": "Cloud", "cap": {"amount": "5"}}, {"name": None, "cap": None})
    assert gone == [("Name", "Cloud before, empty now"), ("Cap amount", "5 before, empty now")]
    assert told({"plan": "ab12"}, {"field": "hours", "value": "80"}) == [
        ("Plan", "ab12 before"),
        ("Field", "hours"),
        ("Value", "80"),
    ]


def test_states_yes_and_no_and_lists_are_words() -> None:
    assert told(
        {"state": "awaiting_approval"},
        {"state": "refused", "is_won": False},
        {"codes": ["PO_SHARED", "CAP_MISSING"], "total": {"amount": "12.00", "currency": "EUR"}},
    ) == [
        ("State", "awaiting approval before, rejection pending now"),
        ("Is won", "no"),
        ("Codes", "PO_SHARED, CAP_MISSING"),
        ("Amount", "12.00"),
        ("Currency", "EUR"),
    ]
