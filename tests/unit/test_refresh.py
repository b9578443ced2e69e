"""The effect of reading a known deal again, in every state it may be in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import BEFORE_APPROVAL, RESTARTABLE, State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.refresh import decide
from oppsync.pipeline.stage import Advance
from tests.harness import builders as make

KNOWN = make.opportunity()
LATER = {"version": "later", "modified_at": KNOWN.modified_at + timedelta(minutes=1)}
BEFORE = sorted(RESTARTABLE - {State.PARKED})
FROM_APPROVAL_ON = sorted(set(State) - RESTARTABLE)


def edited(**changes: object) -> Opportunity:
    return changed(KNOWN, name="Globex goes further", **LATER, **changes)


def lost() -> Opportunity:
    return changed(KNOWN, is_won=False, stage="Closed Lost", won_on=None, **LATER)


def standing(state: State, resume: State | None = None) -> TrackedOpportunity:
    asked = {"reread_requested": 3, "reread_done": 1}
    return make.tracked(KNOWN, state=state, resume_state=resume, **asked)


def reread(
    opportunity: TrackedOpportunity, record: Opportunity, *, exists: bool = False, told: bool = False
) -> Advance:
    return decide(opportunity, record, may_exist_outside=exists, already_reported=told)


def test_what_is_lost_and_exists_is_told_until_a_person_decided() -> None:
    standing_lost = make.tracked(lost(), state=State.WITHDRAWN)

    untold = reread(standing_lost, lost(), exists=True)
    told = reread(standing_lost, lost(), exists=True, told=True)
    gone = reread(standing_lost, lost(), exists=False)
    closing = reread(make.tracked(lost(), state=State.COMPENSATING), lost(), exists=True)

    assert [item.code for item in untold.items] == ["LOST_AFTER_APPROVAL"]
    assert untold.to is State.WITHDRAWN
    assert [*told.items, *gone.items, *closing.items] == []


@pytest.mark.parametrize("state", State)
def test_an_unchanged_deal_stays_where_it_is(state: State) -> None:
    """Its version moved, as an echo of our own write-back makes it."""
    outcome = reread(standing(state), changed(KNOWN, **LATER))

    assert (outcome.to, outcome.void_tasks, outcome.items) == (state, False, ())
    assert [event.type for event in outcome.events] == ["record.unchanged.v1"]
    assert outcome.opportunity.record_digest == KNOWN.content_digest()


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("record", [edited(), lost(), changed(KNOWN, **LATER)])
def test_every_reading_settles_what_was_asked_for(state: State, record: Opportunity) -> None:
    assert not reread(standing(state), record, exists=True).opportunity.reread_due


@pytest.mark.parametrize("state", BEFORE)
def test_an_edit_before_approval_starts_again(state: State) -> None:
    outcome = reread(standing(state), edited())

    assert outcome.to is State.RECEIVED
    assert outcome.opportunity.record == edited()
    assert outcome.void_tasks is (state is State.REJECTED)  # a new round; otherwise the plan's hash decides
    assert [event.type for event in outcome.events] == ["record.read.v1"]
    assert outcome.events[0].after == {"name": "Globex goes further"}


@pytest.mark.parametrize("state", FROM_APPROVAL_ON)
def test_an_edit_from_approval_on_waits_on_the_timeline(state: State) -> None:
    outcome = reread(standing(state), edited(), exists=True)

    assert (outcome.to, outcome.void_tasks, outcome.items) == (state, False, ())
    assert [event.type for event in outcome.events] == ["record.read.v1"]


@pytest.mark.parametrize("state", BEFORE)
def test_a_deal_lost_before_approval_is_withdrawn(state: State) -> None:
    outcome = reread(standing(state), lost())

    assert (outcome.to, outcome.void_tasks) == (State.WITHDRAWN, True)


@pytest.mark.parametrize(("exists", "to"), [(False, State.WITHDRAWN), (True, State.APPROVED)])
@pytest.mark.parametrize("parked", [False, True])
def test_a_deal_lost_after_approval_is_withdrawn_only_while_nothing_may_exist(
    exists: bool, to: State, parked: bool
) -> None:
    where = standing(State.PARKED, State.APPROVED) if parked else standing(State.APPROVED)

    outcome = reread(where, lost(), exists=exists)

    assert outcome.to is (State.PARKED if parked and exists else to)
    assert [item.code for item in outcome.items] == (["LOST_AFTER_APPROVAL"] if exists else [])


@pytest.mark.parametrize("state", [State.CREATED, State.ACTIVE])
def test_a_deal_lost_later_is_for_a_person(state: State) -> None:
    outcome = reread(standing(state), lost(), exists=True)

    assert (outcome.to, outcome.void_tasks) == (state, False)
    assert [item.code for item in outcome.items] == ["LOST_AFTER_APPROVAL"]


@pytest.mark.parametrize("resume", sorted(BEFORE_APPROVAL))
def test_a_parked_deal_goes_by_where_it_would_resume(resume: State) -> None:
    assert reread(standing(State.PARKED, resume), edited()).to is State.RECEIVED
    assert reread(standing(State.PARKED, resume), lost()).to is State.WITHDRAWN


@pytest.mark.parametrize("resume", [State.APPROVED, State.CREATED, State.REFUSED])
def test_a_deal_parked_after_approval_stays_parked_when_it_is_edited(resume: State) -> None:
    assert reread(standing(State.PARKED, resume), edited(), exists=True).to is State.PARKED


@pytest.mark.parametrize("state", State)
def test_an_older_reading_than_the_known_one_changes_nothing(state: State) -> None:
    older = changed(
        KNOWN, name="As it was", version="older", modified_at=KNOWN.modified_at - timedelta(seconds=1)
    )

    outcome = reread(standing(state), older)

    assert (outcome.to, outcome.opportunity.record) == (state, KNOWN)
    assert [event.type for event in outcome.events] == ["record.superseded.v1"]


def test_the_first_reading_of_a_deal_that_was_told_twice_starts_it() -> None:
    outcome = reread(make.tracked(reread_requested=1), KNOWN)

    assert (outcome.to, outcome.opportunity.record) == (State.RECEIVED, KNOWN)
