"""The effect of reading a known deal again, in every state it may be in."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from oppsync.domain.deal.opportunity import Opportunity, Owner
from oppsync.domain.values.findings.codes import CODES
from oppsync.domain.values.model import changed, require
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus
from oppsync.domain.work.states import BEFORE_APPROVAL, RESTARTABLE, State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.refresh import Known, decide, gone
from oppsync.pipeline.stage import Advance, Park
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
    items = [item("LOST_AFTER_APPROVAL"), item("CHANGED_AFTER_APPROVAL")] if told else []
    return advanced(opportunity, record, Known(exists, items))


def advanced(opportunity: TrackedOpportunity, record: Opportunity, known: Known) -> Advance:
    outcome = decide(opportunity, record, known)
    assert isinstance(outcome, Advance)
    return outcome


def item(code: str, **fields: object) -> ExceptionItem:
    fields = {"stage": "refresh", "status": ExceptionStatus.OPEN} | fields
    return ExceptionItem.model_validate(
        {
            "id": uuid4(),
            "tenant_id": "default",
            "opportunity_id": make.OPPORTUNITY_ID,
            "code": code,
            "message": "",
            "owner": CODES[code].owner,
            "payload_reference": "record",
            "first_seen": KNOWN.modified_at,
            "last_seen": KNOWN.modified_at,
            **fields,
        }
    )


def test_what_is_lost_and_exists_is_told_until_a_person_decided() -> None:
    standing_lost = make.tracked(lost(), state=State.WITHDRAWN)

    untold = reread(standing_lost, lost(), exists=True)
    told = reread(standing_lost, lost(), exists=True, told=True)
    gone = reread(standing_lost, lost(), exists=False)
    closing = reread(make.tracked(lost(), state=State.COMPENSATING), lost(), exists=True)

    assert [found.code for found in untold.items] == ["LOST_AFTER_APPROVAL"]
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
    assert [found.code for found in outcome.items] == (["LOST_AFTER_APPROVAL"] if exists else [])


@pytest.mark.parametrize("state", [State.CREATED, State.ACTIVE])
def test_a_deal_lost_later_is_for_a_person(state: State) -> None:
    outcome = reread(standing(state), lost(), exists=True)

    assert (outcome.to, outcome.void_tasks) == (state, False)
    assert [found.code for found in outcome.items] == ["LOST_AFTER_APPROVAL"]


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


def dearer() -> Opportunity:
    return edited(amount=KNOWN.amount + 1000 if KNOWN.amount else None)


def test_an_edit_between_approval_and_the_first_mark_is_planned_anew() -> None:
    """Also of a deal that stopped there. The same plan keeps its approvals; another is asked for."""
    for where in (standing(State.APPROVED), standing(State.PARKED, State.APPROVED)):
        outcome = reread(where, dearer(), exists=False)

        assert (outcome.to, outcome.void_tasks, list(outcome.items)) == (State.RECEIVED, False, [])


@pytest.mark.parametrize("state", [State.APPROVED, State.CREATED, State.ACTIVE])
def test_an_edit_after_the_first_mark_says_what_was_approved_and_what_is_now(state: State) -> None:
    outcome = reread(standing(state), dearer(), exists=True)

    (found,) = outcome.items
    assert (found.code, found.owner, found.path) == ("CHANGED_AFTER_APPROVAL", "delivery", "/amount")
    assert found.value == "EUR 44,400.00 -> EUR 45,400.00"
    assert found.message == "Amount: EUR 44,400.00 when it was approved, EUR 45,400.00 now"
    assert outcome.to is state
    assert outcome.opportunity.approved_record == KNOWN
    assert [change.field for change in outcome.opportunity.changes_since_approval] == ["/amount"]


def test_an_owner_a_line_and_a_field_are_told_in_words() -> None:
    """No id of a user, and no place in a document."""
    line, owner = KNOWN.lines[0], require(KNOWN.owner, "the owner")
    other = Owner(id="005other", name="Fiona Finance", email="fiona.finance@example.com")
    edits = {"owner": other, "lines": (changed(line, ends_on=None), *KNOWN.lines[1:])}

    outcome = reread(standing(State.ACTIVE), edited(**edits), exists=True)

    told = [found.message for found in outcome.items]
    assert f"Owner: {owner.name} when it was approved, Fiona Finance now" in told
    assert all("/" not in message and "005" not in message for message in told)


def test_a_second_edit_is_told_against_what_was_approved_not_against_the_first() -> None:
    once = reread(standing(State.ACTIVE), dearer(), exists=True).opportunity
    later = changed(
        dearer(), ends_on=None, version="third", modified_at=dearer().modified_at + timedelta(minutes=1)
    )

    twice = reread(once, later, exists=True, told=True)

    assert [found.path for found in twice.items] == ["/amount", "/ends_on"]
    assert twice.opportunity.approved_record == KNOWN


def test_an_edit_that_is_taken_back_settles_its_item() -> None:
    once = reread(standing(State.ACTIVE), dearer(), exists=True).opportunity
    back = changed(KNOWN, version="third", modified_at=dearer().modified_at + timedelta(minutes=1))

    outcome = reread(once, back, exists=True, told=True)

    assert "CHANGED_AFTER_APPROVAL" in outcome.settled
    assert list(outcome.items) == []
    assert outcome.opportunity.changes_since_approval == ()


def test_a_difference_that_a_person_dismissed_is_told_again_only_when_it_grows() -> None:
    once = reread(standing(State.ACTIVE), dearer(), exists=True).opportunity

    echo = reread(once, changed(dearer(), version="echo"), exists=True, told=True)

    renamed = changed(dearer(), name="Globex, again", version="third")
    cosmetic = reread(once, renamed, exists=True, told=True)

    for outcome in (echo, cosmetic):
        assert list(outcome.items) == []
        assert "CHANGED_AFTER_APPROVAL" not in outcome.settled


def test_a_line_added_or_reordered_is_no_change_of_the_others() -> None:
    first, second = make.time_line(id="L1"), make.time_line(id="L2")
    two = make.opportunity(first, second)
    active = make.tracked(two, state=State.ACTIVE)
    more = changed(first, quantity=first.quantity + 1)

    turned = advanced(active, changed(two, lines=(second, first), **LATER), Known(may_exist=True))
    grown = advanced(active, changed(two, lines=(second, more), **LATER), Known(may_exist=True))

    assert list(turned.items) == []
    assert [found.path for found in grown.items] == ["/lines/L1/quantity"]


def test_won_again_settles_that_it_was_lost() -> None:
    was_lost = make.tracked(lost(), state=State.ACTIVE, approved_record=KNOWN)
    again = changed(KNOWN, version="third", modified_at=lost().modified_at + timedelta(minutes=1))

    outcome = reread(was_lost, again, exists=True, told=True)

    assert {"LOST_AFTER_APPROVAL", "CHANGED_AFTER_APPROVAL"} <= set(outcome.settled)
    assert list(outcome.items) == []


WORKING = sorted(set(State) - {State.PARKED, State.WITHDRAWN, State.REJECTED, State.COMPENSATING})


@pytest.mark.parametrize("state", WORKING)
def test_a_record_that_is_gone_sets_the_deal_aside_with_its_code(state: State) -> None:
    outcome = gone(standing(state), Known(), "it does not exist")

    assert isinstance(outcome, Park)
    assert [found.code for found in outcome.findings] == ["CRM_RECORD_GONE"]
    assert not outcome.opportunity.reread_due


@pytest.mark.parametrize("state", [State.WITHDRAWN, State.REJECTED, State.COMPENSATING])
def test_a_record_that_is_gone_says_nothing_new_of_a_deal_that_is_over(state: State) -> None:
    outcome = gone(standing(state), Known(), "it does not exist")

    assert isinstance(outcome, Advance)
    assert (outcome.to, list(outcome.items)) == (state, [])


@pytest.mark.parametrize("state", [State.PARKED, State.ACTIVE])
def test_a_record_that_is_gone_is_told_once(state: State) -> None:
    known = Known(items=[item("CRM_RECORD_GONE")])

    assert isinstance(gone(standing(state), known, "it does not exist"), Advance)


@pytest.mark.parametrize("resume", sorted(BEFORE_APPROVAL | {State.APPROVED, State.CREATED}))
def test_a_record_that_comes_back_unchanged_lets_its_deal_go_on_where_it_stood(resume: State) -> None:
    known = Known(items=[item("CRM_RECORD_GONE", stage="create_projects")])

    outcome = advanced(standing(State.PARKED, resume), changed(KNOWN, **LATER), known)

    assert outcome.to is resume


def test_a_record_that_comes_back_does_not_settle_what_else_is_wrong() -> None:
    known = Known(items=[item("CRM_RECORD_GONE"), item("NO_APPROVER", stage="approve")])

    outcome = advanced(standing(State.PARKED, State.PLANNED), changed(KNOWN, **LATER), known)

    assert outcome.to is State.PARKED
    assert "CRM_RECORD_GONE" in outcome.settled


@pytest.mark.parametrize("state", sorted(BEFORE_APPROVAL))
def test_lost_while_it_is_planned_anew_it_waits_for_a_person(state: State) -> None:
    """Projects of its approved plan exist, so it is not withdrawn."""
    outcome = decide(standing(state), lost(), Known(may_exist=True, begun=True))

    assert isinstance(outcome, Park)
    assert [found.code for found in outcome.findings] == ["LOST_WHILE_PLANNED_ANEW"]
    assert outcome.void_tasks


def test_who_was_told_that_it_is_lost_is_not_told_again() -> None:
    known = Known(may_exist=True, items=[item("LOST_WHILE_PLANNED_ANEW")], begun=True)

    outcome = advanced(standing(State.PARKED, State.AWAITING_APPROVAL), lost(), known)

    assert (outcome.to, list(outcome.items)) == (State.PARKED, [])


@pytest.mark.parametrize("state", sorted(BEFORE_APPROVAL))
def test_changed_while_it_is_planned_anew_it_starts_again(state: State) -> None:
    record = changed(KNOWN, name="Another name", **LATER)

    assert advanced(standing(state), record, Known(may_exist=True, begun=True)).to is State.RECEIVED
