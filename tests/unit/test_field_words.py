"""A place in the deal, as people call it."""

from __future__ import annotations

import pytest

from oppsync.domain.deal.field_words import place_words


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("/contracting_entity", "Contracting entity"),
        ("/contract/billing/cap/amount", "Cap amount"),
        ("/lines/0/net", "Net amount of line 1"),
        ("/lines/2/milestones/1/planned_on", "Milestone planned date of line 3"),
        ("/lines/1", "Line 2"),
        ("/lines", "Lines"),
        ("/overrides/00kL2/hours", "Hours"),
    ],
)
def test_a_place_is_named_without_its_pointer(place: str, words: str) -> None:
    assert place_words(place) == words
