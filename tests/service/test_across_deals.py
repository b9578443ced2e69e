"""What spans deals is judged across deals: one purchase order under two, and a deal that was entered twice."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.values.findings.finding import Finding, Severity
from oppsync.domain.values.model import changed, require
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.work.states import State
from oppsync.services.insight.commands import PreviewPlan
from oppsync.services.work.commands import RunStage
from sandbox.firm import deals
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, FINANCE, WON_ON, House


def work_on(house: House, record_id: str, stage: str) -> None:
    house.application.dispatch(RunStage(house.opportunity(record_id).id, stage))


ACROSS = {"PO_SHARED", "PO_USED_UP", "DEAL_CLONED"}


def fee(name: str, amount: int, *, number: str, limit: int | None = 100_000) -> deals.Deal:
    """A fixed fee for Nordbank under this purchase order."""
    sold = deals.fixed_fee(WON_ON, account="CUST-1004", entity="ACME-DE", name=name, amount=Decimal(amount))
    order: dict[str, Any] = {"PO_Number__c": number}
    if limit is not None:
        order["PO_Limit__c"] = Decimal(limit)
    return sold | {"opportunity": sold["opportunity"] | order}


def across(house: House, record_id: str) -> Sequence[Finding]:
    """What whoever decides about the deal is told of other deals."""
    task = next(iter(house.tasks(record_id).values()))
    found = house.application.queries.approval(TENANT, task.id).warnings
    return [each for each in found if each.code in ACROSS]


def goes_on(house: House, record_id: str) -> None:
    """Whoever was told approves all the same."""
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)


def test_an_approved_deal_and_a_new_one_use_up_a_purchase_order_together(house: House) -> None:
    first = house.to_approval(fee("Platform", 60_000, number="PO-17 A"))
    house.approve(first)
    house.settle()

    second = house.win(fee("Rollout", 50_000, number="po17a", limit=None))
    house.settle()

    item = house.exception(second)
    project = require(house.opportunity(first).project_number, "the number of its project")
    assert (item.code, house.state(second)) == ("PO_USED_UP", State.PARKED)
    assert "EUR 110,000.00 together with Nordbank AG: Platform (EUR 60,000.00; " in item.message
    assert f"; project {project})" in item.message
    shared = next(each for each in item.findings if each.code == "PO_SHARED")
    assert shared.value == str(house.opportunity(first).id)

    house.edit(second, opportunity={"PO_Limit__c": 110_000})
    house.settle()

    assert (house.state(second), house.exceptions(second)) == (State.AWAITING_APPROVAL, [])
    assert [each.code for each in across(house, second)] == ["PO_SHARED"]
    goes_on(house, second)


def test_a_deal_without_a_limit_of_its_own_is_bound_by_that_of_the_order(house: House) -> None:
    first = house.to_approval(fee("Platform", 40_000, number="PO-77"))
    house.approve(first)
    house.settle()

    second = house.win(fee("Rollout", 120_000, number="PO-77", limit=None))
    house.settle()

    item = house.exception(second)
    assert (item.code, house.state(second)) == ("PO_USED_UP", State.PARKED)
    assert "allows EUR 100,000.00, but this deal comes to EUR 160,000.00 together with" in item.message


def test_two_deals_that_wait_are_told_to_whoever_approves(house: House) -> None:
    house.to_approval(fee("Platform", 60_000, number="PO-18"))

    second = house.to_approval(fee("Rollout", 50_000, number="PO-18"))

    assert [(each.code, each.severity) for each in across(house, second)] == [
        ("PO_SHARED", Severity.WARNS),
        ("PO_USED_UP", Severity.WARNS),
    ]
    goes_on(house, second)


def test_of_two_deals_that_waited_the_second_to_be_approved_is_stopped(house: House) -> None:
    first = house.to_approval(fee("Platform", 60_000, number="PO-24"))
    second = house.to_approval(fee("Rollout", 59_000, number="PO-24"))
    house.approve(first)
    house.settle()
    assert house.state(first) is State.ACTIVE

    house.approve(second)
    house.settle()

    item = house.exception(second)
    assert (item.code, house.state(second)) == ("PO_USED_UP", State.PARKED)
    assert "EUR 119,000.00 together with Nordbank AG: Platform (EUR 60,000.00; " in item.message
    house.replay(item)
    house.settle()
    assert house.exception(second).code == "PO_USED_UP"  # nothing changed

    house.edit(first, opportunity={"PO_Limit__c": 120_000})
    house.settle()
    house.edit(second, opportunity={"PO_Limit__c": 120_000})
    house.settle()
    house.approve(second)
    house.settle()

    assert house.state(second) is State.ACTIVE


def test_the_last_role_s_approval_is_where_a_deal_is_stopped_whose_order_another_used_up(house: House) -> None:
    """It never stands as approved; what people decided stays, and the ERP hears nothing of it."""
    first = house.to_approval(fee("Platform", 60_000, number="PO-28"))
    second = house.to_approval(fee("Rollout", 59_000, number="PO-28"))
    house.decide(house.tasks(second)[ApprovalRole.FINANCE], FINANCE)
    house.settle()
    house.approve(first)
    house.settle()
    assert (house.state(first), house.state(second)) == (State.ACTIVE, State.AWAITING_APPROVAL)

    house.decide(house.tasks(second)[ApprovalRole.DELIVERY], DELIVERY)
    house.settle()

    item = house.exception(second)
    assert (item.code, item.stage, house.state(second)) == ("PO_USED_UP", "approve", State.PARKED)
    assert State.APPROVED not in house.states_passed(second)
    assert {task.status for task in house.tasks(second).values()} == {TaskStatus.APPROVED}
    assert [row.key for row in house.effects(second) if row.was_made] == []


def test_a_deal_that_made_room_lets_the_other_go_on_with_the_approvals_it_has(house: House) -> None:
    first = house.to_approval(fee("Platform", 60_000, number="PO-25"))
    second = house.to_approval(fee("Rollout", 59_000, number="PO-25"))
    house.application.stopping.set()  # each hands on after its stage: nothing is created yet
    house.approve(first)
    work_on(house, first, "approve")
    house.approve(second)
    work_on(house, second, "approve")
    assert (house.state(first), house.state(second)) == (State.APPROVED, State.PARKED)
    house.application.stopping.clear()
    house.lose(first)
    house.settle()
    assert house.state(first) is State.WITHDRAWN

    house.replay(house.exception(second))
    house.settle()

    assert house.state(second) is State.ACTIVE
    assert {task.decided_by is not None for task in house.tasks(second).values()} == {True}


def test_two_deals_approved_at_once_never_exceed_an_order_together(house: House) -> None:
    """Neither sees the other's approval while its own is weighed."""
    first = house.to_approval(fee("Platform", 60_000, number="PO-26"))
    second = house.to_approval(fee("Rollout", 59_000, number="PO-26"))
    house.application.stopping.set()
    house.approve(first)
    work_on(house, first, "approve")
    waiting = "update opportunities set state = :state where source_id = :id"
    house.rows(waiting, state=State.AWAITING_APPROVAL, id=first)
    house.approve(second)
    work_on(house, second, "approve")
    house.rows(waiting, state=State.APPROVED, id=first)
    assert (house.state(first), house.state(second)) == (State.APPROVED, State.APPROVED)
    house.application.stopping.clear()
    house.settle()

    states = {record_id: house.state(record_id) for record_id in (first, second)}
    assert sorted(states.values()) == [State.ACTIVE, State.PARKED]
    parked = next(record_id for record_id, state in states.items() if state is State.PARKED)
    assert house.exception(parked).code == "PO_USED_UP"
    house.replay(house.exception(parked))
    house.settle()
    assert house.exception(parked).code == "PO_USED_UP"


def test_a_deal_of_which_something_exists_goes_on_whatever_was_approved_since(house: House) -> None:
    first = house.to_approval(fee("Platform", 60_000, number="PO-27"))
    second = house.to_approval(fee("Rollout", 59_000, number="PO-27"))
    house.approve(second)
    house.settle()
    assert house.state(second) is State.ACTIVE
    # As if a release before this one had approved and begun both.
    house.rows("update opportunities set state = 'approved' where source_id = :id", id=second)
    house.rows("update opportunities set due_at = clock_timestamp() where source_id = :id", id=second)
    house.rows("update opportunities set state = 'approved', due_at = null where source_id = :id", id=first)
    work_on(house, second, "create_projects")
    house.settle()

    assert (house.state(second), house.exceptions(second)) == (State.ACTIVE, [])


def test_a_deal_that_came_to_nothing_uses_nothing_up(house: House) -> None:
    first = house.to_approval(fee("Platform", 60_000, number="PO-19"))
    house.reject(first, "Not at this price")
    house.settle()
    lost = house.to_approval(fee("Pilot", 70_000, number="PO-19"))
    house.lose(lost)
    house.settle()

    second = house.to_approval(fee("Rollout", 50_000, number="PO-19"))

    assert across(house, second) == []


def test_the_order_of_another_customer_is_another_order(house: House) -> None:
    house.to_approval(fee("Platform", 60_000, number="4711"))
    other = deals.milestone(WON_ON)

    second = house.to_approval(other | {"opportunity": other["opportunity"] | {"PO_Number__c": "4711"}})

    assert across(house, second) == []


@pytest.mark.parametrize(
    ("name", "of_the_clone"),
    [("Platform (phase 2)", "copy of PLATFORM  phase-2"), ("Straße", "STRASSE"), ("\uff30latform", "platform")],
)
def test_a_clone_is_known_however_its_name_is_written(house: House, name: str, of_the_clone: str) -> None:
    one, two = fee("Platform", 60_000, number="PO-21"), fee("Platform", 60_000, number="PO-22")
    one["opportunity"]["Name"], two["opportunity"]["Name"] = name, of_the_clone
    house.to_approval(one)
    second = house.to_approval(two)

    assert "DEAL_CLONED" in {each.code for each in house.opportunity(second).warnings}


def test_a_deal_that_was_cloned_in_the_crm_names_the_one_it_was_cloned_of(house: House) -> None:
    first = house.to_active(fee("Platform", 60_000, number="PO-20"))
    clone = fee("Platform", 60_000, number="PO-21")
    clone["opportunity"]["Name"] += " (Copy)"

    second = house.to_approval(clone)

    (told,) = across(house, second)
    assert (told.code, told.value) == ("DEAL_CLONED", str(house.opportunity(first).id))
    assert first in told.message
    goes_on(house, second)


def test_of_two_deals_validated_at_once_the_later_one_is_told_before_people_are_asked(house: House) -> None:
    """Neither sees the other's record while it is validated: it was not stored yet."""
    first = house.win(fee("Platform", 60_000, number="PO-22"))
    second = house.win(fee("Rollout", 50_000, number="PO-22"))
    validated = {
        record_id: house.rows("select id from opportunities where source_id = :id", id=record_id)[0]["id"]
        for record_id in (first, second)
    }
    house.rows("update opportunities set record = null")
    house.application.stopping.set()  # each hands on after its stage
    for opportunity_id in validated.values():
        house.application.dispatch(RunStage(opportunity_id, "validate"))
    house.rows("update opportunities set warnings = '[]'")
    house.application.stopping.clear()
    house.settle()

    told = [{each.code for each in across(house, record_id)} for record_id in (first, second)]

    assert {"PO_SHARED", "PO_USED_UP"} in told


def test_a_preview_tells_it_of_a_deal_that_is_not_stored(house: House) -> None:
    first = house.to_approval(fee("Platform", 60_000, number="PO-23"))
    record = require(house.opportunity(first).record, "the record")

    def codes(deal: Opportunity) -> set[str]:
        shown = house.application.dispatch(PreviewPlan(TENANT, house.operator, deal))
        return {each.code for each in shown.findings} & ACROSS

    assert codes(record) == set()  # the deal itself
    assert codes(changed(record, id="another")) == {"PO_SHARED", "PO_USED_UP", "DEAL_CLONED"}
    assert house.opportunity(first).warnings == ()
