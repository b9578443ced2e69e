"""The same opportunity again, by any path: never a second tree of projects, and no change forgotten."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.work.states import State
from oppsync.services.work.commands import RunStage
from sandbox.firm import deals
from tests.harness import erp
from tests.harness.gate import Gate
from tests.harness.house import DELIVERY, FINANCE, WON_ON, House
from tests.harness.tryton import Books

PROBABILITY = {"Probability": Decimal(95)}  # no plan depends on it
LATER_ORDER = {"PO_Number__c": "PO-2026-LATER"}  # part of the plan


def test_the_same_delivery_again_has_the_same_event_id_and_does_nothing(house: House) -> None:
    record_id = str(house.salesforce.win_deal(deals.milestone(WON_ON))["id"])

    first, again = (house.tell(record_id, delivery_id="msg-1") for _ in range(2))

    assert first == again
    house.settle()
    assert house.timeline(record_id).count("delivery.received.v1") == 1
    assert house.rows("select count(*) from inbox") == [{"count": 1}]


def test_one_delivery_about_two_deals_starts_both_once(house: House) -> None:
    both = [str(house.salesforce.win_deal(deals.milestone(WON_ON))["id"]) for _ in range(2)]

    event_id = house.tell(*both, both[0])

    status = house.application.queries.delivery("default", event_id)
    assert sorted(each.source_id for each in status.opportunities) == sorted(both)
    assert house.rows("select count(*) from outbox") == [{"count": 2}]


@pytest.mark.parametrize("standing", [State.AWAITING_APPROVAL, State.ACTIVE])
def test_another_delivery_about_an_unchanged_deal_is_no_change(house: House, standing: State) -> None:
    reach = house.to_approval if standing is State.AWAITING_APPROVAL else house.to_active
    record_id = reach(deals.milestone(WON_ON))
    before = house.states_passed(record_id)

    house.tell(record_id)
    house.settle()

    assert house.timeline(record_id)[-1] == "record.unchanged.v1"
    assert house.states_passed(record_id) == before


def test_an_echo_of_our_own_write_back_does_nothing(house: House, books: Books) -> None:
    """The CRM notifies of the fields that we wrote: its version moved, but nothing that a plan depends on."""
    record_id = house.to_active(deals.milestone(WON_ON))
    written = house.salesforce.record(record_id)["SystemModstamp"]

    house.tell(record_id)
    house.settle()

    assert house.timeline(record_id)[-1] == "record.unchanged.v1"
    assert house.salesforce.record(record_id)["SystemModstamp"] == written
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)


def test_an_edit_that_leaves_the_plan_as_it_is_keeps_the_approvals(house: House) -> None:
    record_id = house.to_approval()
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    before = house.plan(record_id)

    house.edit(record_id, opportunity=PROBABILITY)
    house.settle()

    assert house.plan(record_id) == before
    tasks = house.tasks(record_id)
    assert tasks[ApprovalRole.FINANCE].status is TaskStatus.APPROVED
    house.decide(tasks[ApprovalRole.DELIVERY], DELIVERY)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_an_edit_that_changes_the_plan_voids_the_approvals(house: House, books: Books) -> None:
    record_id = house.to_approval()
    old = house.tasks(record_id)
    house.decide(old[ApprovalRole.FINANCE], FINANCE)
    before = house.plan(record_id)

    house.edit(record_id, opportunity=LATER_ORDER)
    house.settle()

    after = house.plan(record_id)
    assert (after.number, after.hash != before.hash) == (2, True)
    new = house.tasks(record_id)
    assert {task.status for task in new.values()} == {TaskStatus.OPEN}
    assert {task.plan_hash for task in new.values()} == {after.hash}
    assert "approval.voided.v1" in house.timeline(record_id)
    (change,) = [entry for entry in house.entries(record_id) if "contract" in entry.before]
    assert change.before["contract"]["po_number"] != change.after["contract"]["po_number"] == "PO-2026-LATER"

    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE
    erp.check_landed(books, record_id, after.plan.content)


def test_an_edit_back_to_an_earlier_plan_needs_a_new_round(house: House) -> None:
    """The old approvals were void, so a plan that becomes current again is decided again."""
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    first = house.plan(record_id)
    number = str(house.salesforce.record(record_id)["PO_Number__c"])

    house.edit(record_id, opportunity=LATER_ORDER)
    house.settle()
    house.edit(record_id, opportunity={"PO_Number__c": number})
    house.settle()

    assert house.plan(record_id).hash == first.hash
    assert house.plan(record_id).number == 1
    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}


def test_an_edit_after_approval_is_one_item_that_says_both_values(house: House, books: Books) -> None:
    record_id = house.to_active()
    plan = house.plan(record_id)

    house.edit(record_id, opportunity=LATER_ORDER)
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    assert house.plan(record_id) == plan
    read, raised = house.entries(record_id)[-2:]
    assert (read.type, raised.type) == ("record.read.v1", "exception.raised.v1")
    assert read.after["contract"]["po_number"] == "PO-2026-LATER"
    item = house.exception(record_id)
    (found,) = item.findings
    assert (item.code, item.owner, found.path) == (
        "CHANGED_AFTER_APPROVAL",
        "delivery",
        "/contract/po_number",
    )
    assert found.value.endswith(" -> PO-2026-LATER")
    erp.check_landed(books, record_id, plan.plan.content)


def test_an_edit_while_projects_are_being_created_does_not_alter_the_plan_in_flight(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = house.to_approval()
    plan = house.plan(record_id)
    gate.refuse_after(writes=2)
    house.approve(record_id)
    house.work()
    assert house.state(record_id) is State.APPROVED

    house.edit(record_id, opportunity=LATER_ORDER)
    gate.open()
    house.settle_later()

    assert house.state(record_id) is State.ACTIVE
    assert house.plan(record_id) == plan
    erp.check_landed(books, record_id, plan.plan.content)


def received(house: House) -> str:
    return house.win(deals.milestone(WON_ON))


def waiting(house: House) -> str:
    return house.to_approval(deals.milestone(WON_ON))


def half_approved(house: House) -> str:
    record_id = waiting(house)
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    return record_id


def rejected(house: House) -> str:
    record_id = waiting(house)
    house.reject(record_id, "Too cheap")
    house.settle()
    assert house.state(record_id) is State.REJECTED
    return record_id


def parked(house: House) -> str:
    record_id = house.win(deals.milestone(WON_ON) | {"lines": []})
    house.settle()
    assert house.state(record_id) is State.PARKED
    return record_id


BEFORE_APPROVAL = (received, waiting, half_approved, rejected, parked)


@pytest.mark.parametrize("reach", BEFORE_APPROVAL)
def test_a_deal_lost_before_its_approval_is_withdrawn(house: House, reach: Callable[[House], str]) -> None:
    record_id = reach(house)

    house.lose(record_id)
    house.settle()

    assert house.state(record_id) is State.WITHDRAWN
    assert house.tasks(record_id) == {}
    assert house.exceptions(record_id) == []


@pytest.mark.parametrize("reach", BEFORE_APPROVAL[:-1])
def test_a_deal_lost_and_won_again_has_one_tree_of_projects(
    house: House, books: Books, reach: Callable[[House], str]
) -> None:
    record_id = reach(house)
    house.lose(record_id)
    house.settle()

    house.win_again(record_id)
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)
    assert house.salesforce.record(record_id)["oppsync_Status__c"] == "Active"
    assert house.salesforce.record(record_id)["oppsync_Message__c"] in (None, "")


@pytest.mark.parametrize("reach", [received, waiting, half_approved, House.to_active])
def test_a_stage_toggled_back_and_won_again_before_anybody_looked_is_no_change(
    house: House, reach: Callable[[House], str]
) -> None:
    record_id = reach(house)
    house.settle()
    states, tasks = house.states_passed(record_id), house.tasks(record_id)

    house.lose(record_id)
    house.win_again(record_id)
    house.settle()

    assert house.states_passed(record_id) == states
    assert house.tasks(record_id) == tasks


def test_a_deal_lost_before_the_first_effect_was_sent_is_withdrawn(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    gate.shut()
    house.approve(record_id)
    house.work()
    assert house.state(record_id) is State.APPROVED

    house.lose(record_id)
    gate.open()
    house.settle_later()

    assert house.state(record_id) is State.WITHDRAWN
    assert erp.works(books, record_id) == {}


def test_a_deal_lost_before_the_first_effect_is_withdrawn_though_no_webhook_arrived(
    house: House, books: Books, gate: Gate
) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    gate.shut()
    house.approve(record_id)
    house.work()
    assert house.state(record_id) is State.APPROVED

    house.salesforce.edit(record_id, {"opportunity": {"StageName": "Closed Lost"}})
    gate.open()
    house.settle_later()

    assert house.state(record_id) is State.WITHDRAWN
    assert erp.works(books, record_id) == {}


def test_a_deal_lost_while_the_worker_goes_on_is_seen_before_its_next_stage(house: House, books: Books) -> None:
    """Approved and lost at once: the run that finds it approved reads it again before anything is created."""
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.approve(record_id)
    # What a delivery does while that run is under way.
    opportunity_id = house.opportunity(record_id).id
    house.rows(
        "create function lose() returns trigger language plpgsql as $$ begin"
        " new.reread_requested := new.reread_requested + 1; return new; end $$"
    )
    house.rows(
        "create trigger lose before update on opportunities for each row"
        " when (old.state = 'awaiting_approval' and new.state = 'approved') execute function lose()"
    )
    house.salesforce.edit(record_id, {"opportunity": {"StageName": "Closed Lost"}})

    house.application.dispatch(RunStage(opportunity_id, "approve"))

    assert house.state(record_id) is State.WITHDRAWN
    assert erp.works(books, record_id) == {}


def test_a_rejected_deal_that_is_won_anew_and_lost_again_is_withdrawn_not_called_created(
    house: House, gate: Gate
) -> None:
    """The rejection was written back; no project was ever made of it."""
    record_id = rejected(house)
    house.edit(record_id, opportunity=LATER_ORDER)
    house.settle()
    gate.shut()
    house.approve(record_id)
    house.work()
    assert house.state(record_id) is State.APPROVED

    house.lose(record_id)
    gate.open()
    house.settle_later()

    assert house.state(record_id) is State.WITHDRAWN
    assert house.exceptions(record_id) == []


def test_a_deal_lost_while_nobody_knows_whether_its_project_exists_is_not_withdrawn(
    house: House, books: Books, gate: Gate
) -> None:
    """The answer to the first create was lost, and the look-up fails: it may exist, and it does."""
    record_id = house.to_approval(deals.milestone(WON_ON))
    gate.lose_answer(to_write=1, then_shut=True)
    house.approve(record_id)
    house.work_later()  # the quarantine is over, and the look-up fails at the closed gate
    assert house.state(record_id) is State.APPROVED

    house.lose(record_id)
    house.work_later()
    gate.open()
    house.settle_later()

    assert house.state(record_id) is State.ACTIVE
    assert [item.code for item in house.exceptions(record_id)] == ["LOST_AFTER_APPROVAL"]
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)


def test_a_deal_lost_after_its_projects_exist_is_one_exception_however_often_it_is_told(
    house: House, books: Books
) -> None:
    record_id = house.to_active(deals.milestone(WON_ON))

    house.lose(record_id)
    house.settle()
    for _ in range(2):
        house.tell(record_id)
        house.settle()

    item = house.exception(record_id)
    assert (item.code, item.owner, item.occurrences) == ("LOST_AFTER_APPROVAL", "delivery", 1)
    assert house.state(record_id) is State.ACTIVE
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)
    assert house.salesforce.record(record_id)["oppsync_Status__c"] == "Active"
