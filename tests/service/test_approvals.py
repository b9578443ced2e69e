"""Finance and delivery must both approve this plan's hash, and not everybody may."""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal

import pytest
from pydantic import SecretStr

from adapters.bootstrap import build
from oppsync.domain.approval.tasks import ApprovalTask, Decision, TaskStatus
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import ApprovalRole, PersonRole
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput
from oppsync.services.admin.commands import CreatePerson
from oppsync.services.approvals.commands import DecideApproval
from sandbox.firm import deals
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, FINANCE, PASSWORD, WON_ON, House
from tests.harness.mail import mail_server
from tests.harness.tryton import Books

OLGA, SAM = "olga.operations@example.com", "sam.seller@example.com"
ORDER = {"PO_Number__c": "PO-2026-LATER"}


@pytest.fixture
def record_id(house: House) -> str:
    return house.to_approval(deals.milestone(WON_ON))


def task(house: House, record_id: str, role: ApprovalRole) -> ApprovalTask:
    return house.tasks(record_id)[role]


def hire(house: House, email: str, *roles: PersonRole) -> str:
    house.application.dispatch(
        CreatePerson(TENANT, COMMAND_LINE, email, "Newly Hired", PASSWORD, frozenset(roles))
    )
    return email


@pytest.mark.parametrize(
    ("who", "code"),
    [(OLGA, "NOT_AN_APPROVER"), (DELIVERY, "NOT_AN_APPROVER"), (SAM, "OWN_OPPORTUNITY")],
    ids=["no approver", "the other role's", "the deal's owner"],
)
@pytest.mark.parametrize("decision", Decision)
def test_the_wrong_person_decides_nothing(
    house: House, record_id: str, who: str, code: str, decision: Decision
) -> None:
    with pytest.raises(Forbidden) as refused:
        house.decide(task(house, record_id, ApprovalRole.FINANCE), who, decision, "Because")

    assert refused.value.code == code
    assert task(house, record_id, ApprovalRole.FINANCE).status is TaskStatus.OPEN
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL


def test_nobody_approves_for_both_roles(house: House, record_id: str) -> None:
    both = hire(house, "both@example.com", PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER)
    house.decide(task(house, record_id, ApprovalRole.FINANCE), both)

    with pytest.raises(Forbidden) as refused:
        house.decide(task(house, record_id, ApprovalRole.DELIVERY), both)

    assert refused.value.code == "ALREADY_DECIDED_OTHER_ROLE"
    house.decide(task(house, record_id, ApprovalRole.DELIVERY), DELIVERY)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_two_clicks_at_once_by_one_person_for_both_roles_count_once(house: House, record_id: str) -> None:
    both = hire(house, "both@example.com", PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER)
    refusals: list[str] = []
    start = threading.Barrier(2)
    tasks = house.tasks(record_id).values()

    def click(task: ApprovalTask) -> None:
        start.wait()
        try:
            house.decide(task, both)
        except Forbidden as refused:
            refusals.append(refused.code)

    clicks = [threading.Thread(target=click, args=(task,)) for task in tasks]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()

    assert refusals == ["ALREADY_DECIDED_OTHER_ROLE"]


def test_a_person_who_left_decides_nothing(house: House, record_id: str) -> None:
    open_task = task(house, record_id, ApprovalRole.FINANCE)
    (person_id,) = open_task.candidates
    house.rows("update people set is_active = false where id = :id", id=person_id)

    with pytest.raises(Forbidden):
        house.application.dispatch(
            DecideApproval(TENANT, open_task.id, open_task.plan_hash, person_id, Decision.APPROVE)
        )


def test_one_approval_is_not_enough(house: House, record_id: str, books: Books) -> None:
    house.decide(task(house, record_id, ApprovalRole.FINANCE), FINANCE)
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert erp.works(books, record_id) == {}


def test_a_decision_on_a_plan_that_changed_is_not_recorded(house: House, record_id: str) -> None:
    old = task(house, record_id, ApprovalRole.FINANCE)
    house.edit(record_id, opportunity=ORDER)
    house.settle()

    with pytest.raises(Conflict) as refused:
        house.decide(old, FINANCE)

    assert refused.value.code == "PLAN_CHANGED"
    assert task(house, record_id, ApprovalRole.FINANCE).status is TaskStatus.OPEN


def test_a_decision_on_another_hash_than_the_task_s_is_not_recorded(house: House, record_id: str) -> None:
    open_task = task(house, record_id, ApprovalRole.FINANCE)

    with pytest.raises(Conflict) as refused:
        house.decide(changed(open_task, plan_hash="0" * 64), FINANCE)

    assert refused.value.code == "PLAN_CHANGED"


def test_nobody_decides_while_a_re_read_is_due(house: House, record_id: str) -> None:
    house.tell(record_id)

    with pytest.raises(Conflict) as refused:
        house.decide(task(house, record_id, ApprovalRole.FINANCE), FINANCE)
    assert refused.value.code == "REREAD_DUE"

    house.settle()
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_deciding_twice_is_refused(house: House, record_id: str) -> None:
    house.decide(task(house, record_id, ApprovalRole.FINANCE), FINANCE)

    with pytest.raises(Conflict) as refused:
        house.decide(task(house, record_id, ApprovalRole.FINANCE), FINANCE, Decision.REJECT, "No")

    assert refused.value.code == "ALREADY_DECIDED"


@pytest.mark.parametrize("role", ApprovalRole)
def test_a_rejection_is_written_back_with_its_reason(
    house: House, record_id: str, role: ApprovalRole, books: Books
) -> None:
    house.reject(record_id, "The margin is too thin", role)
    house.settle()

    assert house.state(record_id) is State.REJECTED
    record = house.salesforce.record(record_id)
    assert record["oppsync_Status__c"] == "Rejected"
    assert record["oppsync_Message__c"] == f"{role}: The margin is too thin"
    assert erp.works(books, record_id) == {}
    assert house.states_passed(record_id)[-2:] == ["refused", "rejected"]


def test_a_rejection_ends_the_other_role_s_task(house: House, record_id: str) -> None:
    other = task(house, record_id, ApprovalRole.DELIVERY)

    house.reject(record_id, "The margin is too thin")
    house.settle()

    assert set(house.tasks(record_id)) == {ApprovalRole.FINANCE}
    with pytest.raises(Conflict):
        house.decide(other, DELIVERY)


def test_a_rejection_needs_a_reason(house: House, record_id: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        house.reject(record_id, "  ")

    assert (refused.value.code, refused.value.field) == ("REASON_MISSING", "comment")
    assert task(house, record_id, ApprovalRole.FINANCE).status is TaskStatus.OPEN


def test_one_approves_and_the_other_rejects(house: House, record_id: str) -> None:
    house.decide(task(house, record_id, ApprovalRole.FINANCE), FINANCE)
    house.reject(record_id, "Nobody is free in May", ApprovalRole.DELIVERY)
    house.settle()

    assert house.state(record_id) is State.REJECTED
    assert house.salesforce.record(record_id)["oppsync_Message__c"] == "delivery: Nobody is free in May"


def test_a_rejected_deal_that_was_mended_needs_a_new_round(house: House, record_id: str, books: Books) -> None:
    house.reject(record_id, "Name the purchase order")
    house.settle()

    house.edit(record_id, opportunity=ORDER)
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}
    house.approve(record_id)
    house.settle()
    record = house.salesforce.record(record_id)
    assert (record["oppsync_Status__c"], record["oppsync_Message__c"] or "") == ("Active", "")
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)


def test_a_rejected_plan_that_comes_again_unchanged_is_decided_anew(house: House, record_id: str) -> None:
    """The edit is not part of the plan, so the hash is that of the rejected plan; the rejection is history."""
    rejected = house.plan(record_id).hash
    house.reject(record_id, "Ask the customer once more")
    house.settle()

    house.edit(record_id, opportunity={"Probability": Decimal(95)})
    house.settle()

    assert house.plan(record_id).hash == rejected
    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}


def test_a_rejection_is_written_back_before_a_change_that_came_after_it(house: House, record_id: str) -> None:
    house.reject(record_id, "Too cheap")
    opportunity_id = house.opportunity(record_id).id
    house.salesforce.faults([{"method": "PATCH", "status": 429, "code": "REQUEST_LIMIT_EXCEEDED"}])
    house.work()
    assert house.state(record_id) is State.REFUSED

    house.edit(record_id, opportunity=ORDER)
    house.settle_later()

    assert house.states_passed(record_id).count("rejected") == 1
    patched = [call for call in house.salesforce.changes(record_id) if call["by"] != "user"]
    assert "Rejected" in str(patched[0])
    assert house.opportunity(record_id).id == opportunity_id
    assert house.state(record_id) is State.AWAITING_APPROVAL


def test_a_plan_nobody_may_approve_is_parked_and_goes_on_once_somebody_may(house: House) -> None:
    house.rows("update people set is_active = false where email = :email", email=DELIVERY)
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()
    item = house.exception(record_id)
    assert (item.code, item.owner) == ("NO_APPROVER", "operations")

    hire(house, "new.delivery@example.com", PersonRole.DELIVERY_APPROVER)
    house.replay(item)
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    (candidate,) = task(house, record_id, ApprovalRole.DELIVERY).candidates
    assert candidate == house.person("new.delivery@example.com").id
    house.decide(task(house, record_id, ApprovalRole.FINANCE), FINANCE)
    house.decide(task(house, record_id, ApprovalRole.DELIVERY), "new.delivery@example.com")
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_decisions_taken_while_the_stage_judges_are_not_lost(house: House) -> None:
    """The stage has read the open tasks and notifies the candidates; before it is done, both have decided."""
    with mail_server() as server:
        settings = changed(house.application.settings, smtp_url=SecretStr(server.url))
        mailing = replace(house, application=build(settings))
        record_id = mailing.win(deals.milestone(WON_ON))

        def decide() -> None:
            server.on_mail = lambda: None
            house.approve(record_id)

        server.on_mail = decide
        mailing.settle()
        mailing.application.close()

    assert house.state(record_id) is State.ACTIVE
