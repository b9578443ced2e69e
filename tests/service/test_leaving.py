"""Whoever leaves leaves no deal behind: what waited for them goes to others, or somebody is told that nobody is
left."""

from __future__ import annotations

import pytest

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.limits import RoleLimit
from oppsync.domain.values.roles import ApprovalRole, PersonRole
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Forbidden
from oppsync.services.admin.commands import (
    AcceptInvitation,
    CreatePerson,
    DeactivatePerson,
    InvitePerson,
    ResetPerson,
    SetRoles,
)
from sandbox.firm import deals
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, FINANCE, PASSWORD, WON_ON, House

APPROVES = frozenset({PersonRole.DELIVERY_APPROVER})
DORA = "dora.delivery@example.com"


@pytest.fixture
def record_id(house: House) -> str:
    return house.to_approval(deals.milestone(WON_ON))


def hire(house: House, email: str) -> None:
    house.application.dispatch(CreatePerson(TENANT, COMMAND_LINE, email, "Dora Delivery", PASSWORD, APPROVES))


def mailed_to(house: House, email: str) -> bool:
    folder = house.application.settings.outbox_folder
    return any(f"To: {email}" in path.read_text(encoding="utf-8") for path in folder.iterdir())


def test_what_waited_for_somebody_deactivated_goes_to_who_may_decide_now(house: House, record_id: str) -> None:
    hire(house, DORA)
    house.settle()
    assert not mailed_to(house, DORA)

    house.application.dispatch(DeactivatePerson(TENANT, COMMAND_LINE, DELIVERY))
    house.settle()

    task = house.tasks(record_id)[ApprovalRole.DELIVERY]
    assert (task.status, task.candidates) == (TaskStatus.OPEN, (house.person(DORA).id,))
    assert mailed_to(house, DORA)
    assert house.state(record_id) is State.AWAITING_APPROVAL


def test_a_deal_that_waited_for_the_only_approver_says_so_and_goes_on_with_the_next(
    house: House, record_id: str
) -> None:
    house.application.dispatch(DeactivatePerson(TENANT, COMMAND_LINE, DELIVERY))
    house.settle()
    item = house.exception(record_id)
    assert (house.state(record_id), item.code) == (State.PARKED, "NO_APPROVER")

    link = house.application.dispatch(InvitePerson(TENANT, COMMAND_LINE, DORA, "Dora Delivery", APPROVES))
    house.replay(item)
    house.settle()
    item = house.exception(record_id)
    assert (house.state(record_id), item.code) == (State.PARKED, "NO_APPROVER"), "she cannot sign in yet"

    house.application.dispatch(AcceptInvitation(str(link.secret), "seven quiet lanterns hum"))
    house.replay(item)
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.tasks(record_id)[ApprovalRole.DELIVERY].candidates == (house.person(DORA).id,)


def test_an_approver_who_gets_another_role_is_not_waited_for(house: House, record_id: str) -> None:
    hire(house, DORA)
    roles = frozenset({PersonRole.OPERATIONS})
    house.application.dispatch(SetRoles(TENANT, COMMAND_LINE, DELIVERY, roles))
    house.settle()

    assert house.tasks(record_id)[ApprovalRole.DELIVERY].candidates == (house.person(DORA).id,)


def test_a_decision_of_somebody_who_left_stands(house: House, record_id: str) -> None:
    house.decide(house.tasks(record_id)[ApprovalRole.DELIVERY], DELIVERY)
    house.settle()
    house.application.dispatch(DeactivatePerson(TENANT, COMMAND_LINE, DELIVERY))
    house.settle()

    assert house.tasks(record_id)[ApprovalRole.DELIVERY].status is TaskStatus.APPROVED
    assert house.state(record_id) is State.AWAITING_APPROVAL


def test_who_was_invited_is_asked_once_there_is_a_password(house: House) -> None:
    link = house.application.dispatch(InvitePerson(TENANT, COMMAND_LINE, DORA, "Dora Delivery", APPROVES))
    before = house.to_approval(deals.milestone(WON_ON))
    assert house.tasks(before)[ApprovalRole.DELIVERY].candidates == (house.person(DELIVERY).id,)
    assert not mailed_to(house, DORA)

    house.application.dispatch(AcceptInvitation(str(link.secret), "seven quiet lanterns hum"))
    after = house.to_approval(deals.time_and_materials(WON_ON))

    asked = set(house.tasks(after)[ApprovalRole.DELIVERY].candidates)
    assert asked == {house.person(DELIVERY).id, house.person(DORA).id}


def test_whoever_was_asked_and_has_to_set_a_new_password_is_still_waited_for(
    house: House, record_id: str
) -> None:
    house.application.dispatch(ResetPerson(TENANT, COMMAND_LINE, DELIVERY))
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    house.settle()

    task = house.tasks(record_id)[ApprovalRole.DELIVERY]
    assert (task.status, task.candidates) == (TaskStatus.OPEN, (house.person(DELIVERY).id,))
    assert house.state(record_id) is State.AWAITING_APPROVAL


def only(*entities: str) -> tuple[RoleLimit, ...]:
    return (RoleLimit(role=PersonRole.DELIVERY_APPROVER, entities=entities),)


def test_who_approves_for_other_entities_is_not_asked_and_a_new_limit_moves_what_waits(
    house: House, record_id: str
) -> None:
    hire(house, DORA)
    house.application.dispatch(SetRoles(TENANT, COMMAND_LINE, DELIVERY, APPROVES, only("ACME-US")))
    house.settle()

    assert house.tasks(record_id)[ApprovalRole.DELIVERY].candidates == (house.person(DORA).id,)
    with pytest.raises(
        Forbidden, match=r"for ACME-US only; this deal is of ACME-DE.* Dora Delivery can"
    ) as refused:
        house.decide(house.tasks(record_id)[ApprovalRole.DELIVERY], DELIVERY)
    assert refused.value.code == "OUTSIDE_LIMITS"
    house.application.dispatch(SetRoles(TENANT, COMMAND_LINE, DORA, APPROVES, only("ACME-US")))
    house.settle()
    item = house.exception(record_id)
    assert (house.state(record_id), item.code) == (State.PARKED, "NO_APPROVER")
    house.application.dispatch(SetRoles(TENANT, COMMAND_LINE, DORA, APPROVES, only("ACME-DE", "ACME-US")))
    house.replay(item)
    house.settle()
    house.decide(house.tasks(record_id)[ApprovalRole.DELIVERY], DORA)
    house.application.dispatch(SetRoles(TENANT, COMMAND_LINE, DORA, APPROVES, only("ACME-US")))
    house.settle()
    assert house.tasks(record_id)[ApprovalRole.DELIVERY].status is TaskStatus.APPROVED, (
        "what was decided stands"
    )
