"""A record that changed after its plan was approved: which fields differ, and how both values are shown."""

from __future__ import annotations

from oppsync.domain.deal.since_approval import changes_since
from oppsync.domain.values.model import changed
from tests.harness import builders as make

TERMS = "The customer accepts each milestone in writing within ten working days. " * 9


def test_a_change_far_into_a_long_text_is_one_and_shows_where_it_is() -> None:
    approved = make.opportunity()
    approved = changed(approved, contract=changed(approved.contract, special_terms=TERMS + "Then it pays."))
    now = changed(approved, contract=changed(approved.contract, special_terms=TERMS + "It pays nothing."))

    (change,) = changes_since(approved, now)

    assert change.field == "/contract/special_terms"
    assert change.approved.startswith("...")
    assert change.approved.endswith("within ten working days. Then it pays.")
    assert change.now.endswith("within ten working days. It pays nothing.")


def test_a_text_that_is_gone_or_new_is_shown_from_its_beginning() -> None:
    without = make.opportunity()
    with_terms = changed(without, contract=changed(without.contract, special_terms=TERMS))

    (gone,) = changes_since(with_terms, without)
    (new,) = changes_since(without, with_terms)

    assert (gone.approved[:12], gone.now) == (TERMS[:12], "")
    assert (new.approved, new.now[:12]) == ("", TERMS[:12])
