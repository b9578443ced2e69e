"""What approvers do besides approving and rejecting: have the deal changed first, comment, take an approval
back, put it to colleagues."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from uuid import uuid4

import pytest

from oppsync.domain.approval.tasks import ApprovalTask, Decision, TaskStatus, VoidedAs
from oppsync.domain.effects.effects import EffectState
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.limits import RoleLimit
from oppsync.domain.values.roles import ApprovalRole, PersonRole
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput
from oppsync.services.admin.commands import SetRoles
from oppsync.services.approvals.commands import CommentApproval, ReassignApproval, WithdrawApproval
from oppsync.services.changes.commands import PlanAnew
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION, ERP_CONNECTION
from tests.harness.builders import TENANT
from tests.harness.gate import Gate
from tests.harness.house import DELIVERY, FINANCE, WON_ON, House
from tests.service.test_approvals import hire
from tests.service.test_compensation import parked_after

SAM, OLGA = "sam.seller@example.com", "olga.operations@example.com"
FRED, DORA = "fred.finance@example.com", "dora.delivery@example.com"
WISHES = "- Name the purchase order\n\nThe rate of the architects is last year's"


@pytest.fixture
def record_id(house: House) -> str:
    return house.to_approval(deals.milestone(WON_ON))


def of(house: House, record_id: str, role: ApprovalRole = ApprovalRole.FINANCE) -> ApprovalTask:
    return house.tasks(record_id)[role]


def again(house: House, task: ApprovalTask) -> ApprovalTask:
    return house.application.queries.approval(TENANT, task.id).task


def withdraw(house: House, task: ApprovalTask, who: str, comment: str = "I read the wrong contract") -> None:
    command = WithdrawApproval(TENANT, task.id, house.person(who).id, comment)
    house.application.dispatch(command)


def reassign(house: House, task: ApprovalTask, who: str, *to: str) -> ApprovalTask:
    ids = tuple(house.person(each).id for each in to)
    return house.application.dispatch(ReassignApproval(TENANT, task.id, house.person(who).id, ids, "On leave"))


def summaries(house: House, record_id: str, event: str) -> list[str]:
    return [entry.summary for entry in house.entries(record_id) if entry.type == event]


def mailed(house: House) -> list[str]:
    folder = house.application.settings.outbox_folder
    letters = [message_from_bytes(path.read_bytes(), policy=default) for path in folder.iterdir()]
    return sorted(str(letter["To"]) for letter in letters)


# Changes requested.


def test_changes_are_asked_of_sales_with_the_list_and_nobody_s_approval_stands(
    house: House, record_id: str
) -> None:
    approved = house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)

    asked = house.decide(of(house, record_id), FINANCE, Decision.REQUEST_CHANGES, WISHES)
    house.settle()

    assert (asked.status, asked.voided_as) == (TaskStatus.VOID, VoidedAs.CHANGES_REQUESTED)
    assert (asked.decided_by, asked.comment) == (house.person(FINANCE).id, WISHES)
    assert again(house, approved).status is TaskStatus.VOID
    parked = house.opportunity(record_id)
    assert (parked.state, parked.stands_at) == (State.PARKED, State.RECEIVED)
    item = house.exception(record_id)
    assert (item.code, item.owner) == ("CHANGES_REQUESTED", "sales")
    assert [found.message for found in item.findings] == [
        "Fiona Finance: Name the purchase order",
        "Fiona Finance: The rate of the architects is last year's",
    ]
    assert len(summaries(house, record_id, "changes.requested.v1")) == 1
    assert house.states_passed(record_id)[-1] == "parked"


def test_a_changed_deal_is_planned_anew_and_its_approval_shows_what_was_asked(
    house: House, record_id: str
) -> None:
    house.decide(of(house, record_id), FINANCE, Decision.REQUEST_CHANGES, WISHES)

    house.edit(record_id, opportunity={"PO_Number__c": "PO-2026-LATER"})
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.exceptions(record_id) == []
    (note,) = house.application.queries.approval(TENANT, of(house, record_id).id).notes
    assert (note.by, note.text, note.asks_for_changes) == (f"person:{FINANCE}", WISHES, True)
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_where_nothing_is_to_change_a_replay_asks_everybody_again(house: House, record_id: str) -> None:
    before = house.plan(record_id).hash
    house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)
    house.decide(of(house, record_id), FINANCE, Decision.REQUEST_CHANGES, WISHES)

    house.replay(house.exception(record_id))
    house.settle()

    assert house.plan(record_id).hash == before
    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


@pytest.mark.parametrize("says", ["  ", "- ", "-\n* \n -- "])
def test_whoever_asks_for_changes_says_which(house: House, record_id: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        house.decide(of(house, record_id), FINANCE, Decision.REQUEST_CHANGES, says)

    assert (refused.value.code, refused.value.field) == ("REASON_MISSING", "comment")
    assert of(house, record_id).status is TaskStatus.OPEN


def test_a_deal_that_is_lost_while_it_waits_for_changes_is_withdrawn(house: House, record_id: str) -> None:
    house.decide(of(house, record_id), FINANCE, Decision.REQUEST_CHANGES, WISHES)

    house.lose(record_id)
    house.settle()

    assert house.state(record_id) is State.WITHDRAWN
    assert house.exceptions(record_id) == []


# Comments.


def test_a_comment_stands_on_the_timeline_and_decides_nothing(house: House, record_id: str) -> None:
    task = of(house, record_id)
    command = CommentApproval(TENANT, task.id, house.person(DELIVERY).id, " Is the customer's credit good? ")

    house.application.dispatch(command)
    house.settle()

    (summary,) = summaries(house, record_id, "approval.commented.v1")
    assert summary.endswith(": Is the customer's credit good?")
    (note,) = house.application.queries.approval(TENANT, task.id).notes
    assert (note.by, note.text, note.asks_for_changes) == (
        f"person:{DELIVERY}",
        "Is the customer's credit good?",
        False,
    )
    assert again(house, task).status is TaskStatus.OPEN
    with pytest.raises(InvalidInput):
        house.application.dispatch(CommentApproval(TENANT, task.id, house.person(DELIVERY).id, " "))


# Withdrawals.


def test_an_approval_is_taken_back_while_the_other_role_decides(house: House, record_id: str) -> None:
    approved = house.decide(of(house, record_id), FINANCE)
    house.settle()

    withdraw(house, approved, FINANCE)
    house.settle()

    taken = again(house, approved)
    assert (taken.status, taken.voided_as) == (TaskStatus.VOID, VoidedAs.WITHDRAWN)
    assert "I read the wrong contract" in summaries(house, record_id, "approval.withdrawn.v1")[0]
    assert of(house, record_id).status is TaskStatus.OPEN
    assert of(house, record_id).candidates == approved.candidates
    house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL
    house.decide(of(house, record_id), FINANCE)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_the_other_s_approval_stands_when_one_is_taken_back_at_the_last_moment(
    house: House, record_id: str
) -> None:
    """Both approved, and no worker has seen it yet."""
    approved = house.decide(of(house, record_id), FINANCE)
    house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)

    withdraw(house, approved, FINANCE)
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert of(house, record_id, ApprovalRole.DELIVERY).status is TaskStatus.APPROVED
    assert house.effects(record_id) == [each for each in house.effects(record_id) if not each.makes_something]


def test_an_approved_deal_of_which_nothing_was_sent_is_asked_anew(house: House, gate: Gate) -> None:
    """The CRM is away, so that the record cannot be read once more before anything is created."""
    record_id = house.to_approval(deals.milestone(WON_ON))
    approved = house.decide(of(house, record_id), FINANCE)
    house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)
    house.connect(CRM_CONNECTION, base_url="http://127.0.0.1:9")
    house.work()
    assert house.state(record_id) is State.APPROVED

    withdraw(house, approved, FINANCE)
    house.connect(CRM_CONNECTION, base_url=house.salesforce.url)
    house.settle_later()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    house.decide(of(house, record_id), FINANCE)
    house.settle_later()
    assert house.state(record_id) is State.ACTIVE


def test_once_creation_has_begun_nothing_is_taken_back(house: House, record_id: str) -> None:
    approved = house.decide(of(house, record_id), FINANCE)
    house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)
    house.settle()

    with pytest.raises(Conflict, match="has begun") as refused:
        withdraw(house, approved, FINANCE)

    assert refused.value.code == "CREATION_BEGUN"
    assert again(house, approved).status is TaskStatus.APPROVED


def test_while_a_worker_is_about_to_create_nothing_is_taken_back(house: House, gate: Gate) -> None:
    """It holds the deal's lease and has written nothing yet."""
    record_id = house.to_approval(deals.milestone(WON_ON))
    approved = house.decide(of(house, record_id), FINANCE)
    house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)
    house.connect(CRM_CONNECTION, base_url="http://127.0.0.1:9")
    house.work()
    house.skip_waiting()
    with house.application.uow() as uow:
        assert uow.opportunities.take_lease(house.opportunity(record_id).id, "a worker") is not None
        uow.commit()

    with pytest.raises(Conflict) as refused:
        withdraw(house, approved, FINANCE)

    assert refused.value.code == "CREATION_BEGUN"


def test_a_deal_whose_creation_was_refused_has_begun(house: House, record_id: str) -> None:
    approved = house.decide(of(house, record_id), FINANCE)
    house.connect(ERP_CONNECTION, milestone_product="no such product")
    house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)
    house.settle()
    made = [row for row in house.effects(record_id) if row.makes_something]
    assert house.state(record_id) is State.PARKED
    assert {row.state for row in made} & {EffectState.CONFIRMED, EffectState.REJECTED}

    with pytest.raises(Conflict) as refused:
        withdraw(house, approved, FINANCE)

    assert refused.value.code == "CREATION_BEGUN"


def test_what_an_earlier_plan_created_is_no_beginning_of_the_new_one(house: House, gate: Gate) -> None:
    record_id = parked_after(house, gate, writes=2, deal=deals.milestone(WON_ON))
    first = of(house, record_id)
    with pytest.raises(Conflict, match="has begun"):
        withdraw(house, first, FINANCE)
    house.salesforce.edit(record_id, {"opportunity": {"PO_Number__c": "PO-2026-LATER"}})
    anew = PlanAnew(TENANT, house.opportunity(record_id).id, house.operator, "The purchase order was wrong")
    house.application.dispatch(anew)
    house.settle()
    approved = house.decide(of(house, record_id), FINANCE)
    house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)
    house.connect(CRM_CONNECTION, base_url="http://127.0.0.1:9")
    house.work()
    assert house.state(record_id) is State.APPROVED

    withdraw(house, approved, FINANCE)
    house.connect(CRM_CONNECTION, base_url=house.salesforce.url)
    house.settle_later()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    again_approved = house.decide(of(house, record_id), FINANCE)
    house.settle_later()
    assert house.state(record_id) is State.ACTIVE
    with pytest.raises(Conflict):
        withdraw(house, again_approved, FINANCE)


@pytest.mark.parametrize(
    ("decided", "who", "code"),
    [
        (Decision.APPROVE, DELIVERY, "NOT_YOUR_APPROVAL"),
        (Decision.REJECT, FINANCE, "NOTHING_TO_WITHDRAW"),
        (None, FINANCE, "NOT_YOUR_APPROVAL"),
    ],
)
def test_nothing_else_is_taken_back(
    house: House, record_id: str, decided: Decision | None, who: str, code: str
) -> None:
    task = of(house, record_id)
    if decided is not None:
        house.decide(task, FINANCE, decided, "Because")

    with pytest.raises((Forbidden, Conflict)) as refused:
        withdraw(house, task, who)

    assert refused.value.code == code


def test_taking_back_needs_a_reason(house: House, record_id: str) -> None:
    approved = house.decide(of(house, record_id), FINANCE)

    with pytest.raises(InvalidInput) as refused:
        withdraw(house, approved, FINANCE, " ")

    assert (refused.value.code, refused.value.field) == ("REASON_MISSING", "comment")
    assert again(house, approved).status is TaskStatus.APPROVED


# Reassigned.


def test_an_approval_is_put_to_a_colleague_who_is_told(house: House, record_id: str) -> None:
    hire(house, FRED, PersonRole.FINANCE_APPROVER)
    assert FRED not in mailed(house)

    reassigned = reassign(house, of(house, record_id), FINANCE, FRED)
    house.settle()

    assert reassigned.candidates == (house.person(FRED).id,)
    assert mailed(house).count(FRED) == 1
    assert summaries(house, record_id, "approval.reassigned.v1")[0].endswith(": On leave")
    rows = [row for row in house.effects(record_id) if row.kind is EffectKind.NOTIFICATION]
    assert any(row.path.endswith(FRED) for row in rows)
    house.decide(of(house, record_id), FRED)
    house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


@pytest.mark.parametrize("who", [OLGA, FINANCE])
def test_operations_and_an_approver_of_the_role_may_put_it_to_others(
    house: House, record_id: str, who: str
) -> None:
    hire(house, FRED, PersonRole.FINANCE_APPROVER)

    assert reassign(house, of(house, record_id), who, FRED).candidates == (house.person(FRED).id,)


@pytest.mark.parametrize(
    ("who", "code"), [(DELIVERY, "FORBIDDEN"), (SAM, "OWN_OPPORTUNITY")], ids=["the other role's", "its owner"]
)
def test_who_may_not_put_it_to_others(house: House, record_id: str, who: str, code: str) -> None:
    hire(house, FRED, PersonRole.FINANCE_APPROVER)

    with pytest.raises(Forbidden) as refused:
        reassign(house, of(house, record_id), who, FRED)

    assert refused.value.code == code
    assert house.person(FRED).id not in of(house, record_id).candidates


def test_operations_of_another_entity_put_nothing_to_others(house: House, record_id: str) -> None:
    hire(house, FRED, PersonRole.FINANCE_APPROVER)
    limit = RoleLimit(role=PersonRole.OPERATIONS, entities=("ACME-US",))
    roles = frozenset({PersonRole.OPERATIONS})
    house.application.dispatch(SetRoles(TENANT, COMMAND_LINE, OLGA, roles, (limit,)))

    with pytest.raises(Forbidden, match="operations of its entity"):
        reassign(house, of(house, record_id), OLGA, FRED)


@pytest.mark.parametrize(
    ("to", "says"),
    [
        (DELIVERY, "does not have the approver role"),
        (SAM, "owns this opportunity"),
    ],
)
def test_it_is_put_to_nobody_who_may_not_decide_it(house: House, record_id: str, to: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        reassign(house, of(house, record_id), OLGA, to)

    assert refused.value.field == "to"
    nobody = ReassignApproval(TENANT, of(house, record_id).id, house.operator, (uuid4(),))
    with pytest.raises(InvalidInput, match="No active person"):
        house.application.dispatch(nobody)


def test_what_was_decided_is_put_to_nobody(house: House, record_id: str) -> None:
    hire(house, FRED, PersonRole.FINANCE_APPROVER)
    decided = house.decide(of(house, record_id), FINANCE)

    with pytest.raises(Conflict) as refused:
        reassign(house, decided, OLGA, FRED)

    assert refused.value.code == "ALREADY_DECIDED"


# Carried over.


def test_what_is_not_in_the_hashed_content_keeps_the_approvals(house: House, record_id: str) -> None:
    """Neither the probability nor the deal's next reading is part of the plan."""
    approved = house.decide(of(house, record_id), FINANCE)

    house.edit(record_id, opportunity={"Probability": 95})
    house.settle()

    assert of(house, record_id) == again(house, approved)
    assert of(house, record_id).status is TaskStatus.APPROVED
    house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_planned_anew_unchanged_it_keeps_them_too(house: House, record_id: str) -> None:
    house.decide(of(house, record_id), FINANCE)
    house.connect(ERP_CONNECTION, milestone_product="no such product")
    house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)
    house.settle()
    assert house.state(record_id) is State.PARKED
    before, plan = house.tasks(record_id), house.plan(record_id).hash

    anew = PlanAnew(TENANT, house.opportunity(record_id).id, house.operator, "The product is there now")
    house.application.dispatch(anew)
    house.connect(ERP_CONNECTION, milestone_product="MS")
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    assert (house.plan(record_id).hash, house.tasks(record_id)) == (plan, before)


def test_another_plan_keeps_none(house: House, record_id: str) -> None:
    house.decide(of(house, record_id), FINANCE)

    house.edit(record_id, opportunity={"PO_Number__c": "PO-2026-LATER"})
    house.settle()

    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}
