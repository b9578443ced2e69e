"""Where a poll begins, where it continues, and what it has covered at its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.domain.values.model import changed
from oppsync.domain.work.intake import Source
from oppsync.domain.work.polling import Change, ChangePage, Watermark, synthetic_delivery

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
OVERLAP = timedelta(minutes=15)
NEW = Watermark(tenant_id="default", connection_id="crm", token=1)


def minutes(number: int) -> datetime:
    return NOW + timedelta(minutes=number)


def page(*numbers: int, more: bool = False, as_of: datetime = NOW) -> ChangePage:
    """Changes of so many minutes after `NOW`."""
    changes = [Change(id=f"006{n}", version=f"v{n}", modified_at=minutes(n), is_won=True) for n in numbers]
    return ChangePage(changes=tuple(changes), more=more, as_of=as_of)


def test_the_first_poll_begins_one_overlap_ago() -> None:
    assert NEW.next_page(OVERLAP, NOW) == (NOW - OVERLAP, None)


def test_what_is_covered_is_the_crms_time_of_the_first_page() -> None:
    """A change made while the later pages were read may be on none of them."""
    first = NEW.past(page(-3, -2, more=True, as_of=minutes(0)))
    assert first.covered_until is None
    assert first.next_page(OVERLAP, minutes(60)) == (minutes(-2), "006-2")
    second = first.past(page(-1, more=True, as_of=minutes(1)))
    assert second.covered_until is None
    last = second.past(page(2, as_of=minutes(3)))
    assert (last.covered_until, last.page_from, last.page_after) == (minutes(0), None, None)
    assert last.next_page(OVERLAP, minutes(60)) == (minutes(0) - OVERLAP, None)


def test_a_page_that_was_read_before_leads_nowhere() -> None:
    first = page(-3, -2, more=True)
    begun = NEW.past(first)
    assert NEW.is_passed_by(first)
    assert not begun.is_passed_by(first)
    assert not begun.is_passed_by(page(-5, -4, more=True))
    assert begun.is_passed_by(page(-2, -1, more=True))
    assert begun.is_passed_by(page(-3, -2))


def test_many_changes_of_one_moment_lead_on_by_their_ids() -> None:
    at = {"version": "v", "modified_at": NOW, "is_won": True}
    first, second = (
        ChangePage(changes=(Change(id=each, **at),), more=True, as_of=NOW) for each in ("006A", "006B")
    )
    assert NEW.past(first).is_passed_by(second)


def test_a_poll_that_finds_nothing_moves_on() -> None:
    once = NEW.past(page(as_of=minutes(0)))
    assert once.past(page(as_of=minutes(5))).covered_until == minutes(5)


def test_a_clock_that_was_set_back_there_takes_nothing_back() -> None:
    once = NEW.past(page(as_of=minutes(5)))
    assert once.past(page(as_of=minutes(3))).covered_until == minutes(5)


def test_an_id_as_long_as_it_may_be_can_be_found() -> None:
    ref = OpportunityRef(id="d" * 200, version="v" * 200, modified_at=NOW)
    found, newer = (
        synthetic_delivery("default", "crm", each, Source.POLL)
        for each in (ref, changed(ref, version="w" * 200))
    )
    assert found.delivery_id != newer.delivery_id


def test_what_is_found_again_in_a_version_is_the_same_delivery() -> None:
    ref = OpportunityRef(id="006A", version="v1", modified_at=NOW)
    newer = changed(ref, version="v2")
    first, again, other = (
        synthetic_delivery("default", "crm", each, Source.POLL, timedelta(seconds=61.6))
        for each in (ref, ref, newer)
    )
    assert first.delivery_id == again.delivery_id != other.delivery_id
    assert OpportunityRef.model_validate_json(first.body) == ref
    assert (first.source, first.late_seconds) == (Source.POLL, 62)
