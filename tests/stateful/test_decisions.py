"""Named histories of approvals: who decides, on which plan, and what a change makes of it."""

from __future__ import annotations

import pytest

from oppsync.domain.approval.tasks import Decision, Person, TaskStatus
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.work.states import State
from tests.stateful import checks
from tests.stateful.faults import Kind, Trouble
from tests.stateful.people import BO, DARIO, FIONA, VERA
from tests.stateful.scenes import waiting_deal, work
from tests.stateful.simulation import Simulation


def decide(
    firm: Simulation, record_id: str, role: ApprovalRole, decision: Decision, person: Person | None = None
) -> None:
    (task,) = (task for task in firm.tasks(record_id, TaskStatus.OPEN) if task.role == role)
    firm.decide(task, person or (FIONA if role is ApprovalRole.FINANCE else DARIO), decision)


def test_a_new_plan_voids_the_approvals_of_the_old_one(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    decide(firm, record_id, ApprovalRole.FINANCE, Decision.APPROVE)
    old = firm.find(record_id).tracked.plan_hash
    firm.reprice(record_id)
    firm.tell(record_id)
    firm.settle()

    assert {task.status for task in firm.tasks(record_id) if task.plan_hash == old} == {TaskStatus.VOID}
    assert len(firm.tasks(record_id, TaskStatus.OPEN)) == 2


def test_the_same_plan_again_keeps_its_approvals(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    decide(firm, record_id, ApprovalRole.FINANCE, Decision.APPROVE)
    firm.change(record_id, probability=None)
    firm.tell(record_id)
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert [task.status for task in firm.tasks(record_id)] == [TaskStatus.APPROVED, TaskStatus.OPEN]


def test_lost_and_won_again_it_must_be_approved_anew(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    decide(firm, record_id, ApprovalRole.FINANCE, Decision.APPROVE)
    for is_won in (False, True):
        firm.change(record_id, is_won=is_won)
        firm.tell(record_id)
        firm.settle()

    assert len(firm.tasks(record_id, TaskStatus.OPEN)) == 2


def test_a_rejection_closes_the_other_task_and_a_second_try_starts_afresh(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    decide(firm, record_id, ApprovalRole.DELIVERY, Decision.REJECT)
    firm.settle()
    assert firm.state(record_id) is State.REJECTED
    assert {task.status for task in firm.tasks(record_id)} == {TaskStatus.VOID, TaskStatus.REJECTED}

    firm.change(record_id, probability=None)
    firm.tell(record_id)
    firm.settle()
    assert len(firm.tasks(record_id, TaskStatus.OPEN)) == 2
    firm.approve(record_id)
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


def test_changed_while_its_rejection_is_told_it_is_decided_anew(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    decide(firm, record_id, ApprovalRole.FINANCE, Decision.REJECT)
    work(firm, record_id, Trouble(Kind.VENDOR_AWAY))
    assert firm.state(record_id) is State.REFUSED
    firm.reprice(record_id)
    firm.tell(record_id)
    firm.settle()

    written = firm.outside.crm[record_id].written
    assert written is not None
    assert written.status == "rejected"
    assert firm.state(record_id) is State.AWAITING_APPROVAL


def test_nobody_decides_twice_nor_their_own_deal(firm: Simulation) -> None:
    record_id = firm.win(owner=DARIO.email)
    firm.tell(record_id)
    firm.work()
    for task in firm.tasks(record_id, TaskStatus.OPEN):
        for person in (DARIO, BO):
            firm.decide(task, person, Decision.APPROVE)

    assert [task.decided_by for task in firm.tasks(record_id)].count(BO.id) == 1
    assert len(firm.tasks(record_id, TaskStatus.OPEN)) == 1


def test_who_owned_the_deal_once_decides_nothing_of_it(firm: Simulation) -> None:
    record_id = firm.win(owner=DARIO.email)
    firm.tell(record_id)
    firm.work()
    firm.hand_over(record_id, "zoe@example.com")
    firm.work()

    decide(firm, record_id, ApprovalRole.DELIVERY, Decision.APPROVE, DARIO)

    assert len(firm.tasks(record_id, TaskStatus.OPEN)) == 2


@pytest.mark.parametrize("approved", [1, 2])
def test_who_becomes_the_owner_has_approved_nothing(firm: Simulation, approved: int) -> None:
    """After one approval, and after both, before anything was made outside."""
    record_id = waiting_deal(firm)
    decide(firm, record_id, ApprovalRole.FINANCE, Decision.APPROVE, FIONA)
    if approved == 2:
        decide(firm, record_id, ApprovalRole.DELIVERY, Decision.APPROVE, DARIO)

    firm.hand_over(record_id, FIONA.email)
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert firm.outside.erp.books.things == []
    (anew,) = (task for task in firm.tasks(record_id, TaskStatus.OPEN) if task.role == ApprovalRole.FINANCE)
    assert FIONA.id not in anew.candidates
    (void,) = (task for task in firm.tasks(record_id, TaskStatus.VOID) if task.decided_by == FIONA.id)
    assert void.void_because == "OWN_OPPORTUNITY"
    assert [mail.to for mail in firm.outside.mail if "does not stand" in mail.subject] == [FIONA.email]
    decide(firm, record_id, ApprovalRole.FINANCE, Decision.APPROVE, BO)
    if approved == 1:
        decide(firm, record_id, ApprovalRole.DELIVERY, Decision.APPROVE, DARIO)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE


def test_a_decision_that_comes_in_while_a_worker_judges_is_not_overlooked(firm: Simulation) -> None:
    """The worker has read one approval; the second comes before it records that it waits."""
    for nth in range(4):
        record_id = waiting_deal(firm)
        decide(firm, record_id, ApprovalRole.FINANCE, Decision.APPROVE)
        work(firm, record_id, Trouble(Kind.PAUSED, nth, ("the other role approves",)))
        firm.settle()
        assert firm.state(record_id) is State.ACTIVE


def test_nobody_decides_without_the_role_nor_on_what_changed(firm: Simulation) -> None:
    """A person whose page is older than the change, or who decides while it is being read, decides nothing."""
    record_id = waiting_deal(firm)
    (old,) = firm.tasks(record_id)[:1]
    firm.decide(old, VERA, Decision.APPROVE)
    firm.reprice(record_id)
    firm.tell(record_id)
    firm.decide(old, BO, Decision.APPROVE)
    firm.settle()
    firm.decide(old, BO, Decision.APPROVE)
    (new,) = (task for task in firm.tasks(record_id, TaskStatus.OPEN) if task.role == old.role)
    firm.decide(new, BO, Decision.APPROVE, seen=old.plan_hash)

    assert len(firm.tasks(record_id, TaskStatus.OPEN)) == 2
