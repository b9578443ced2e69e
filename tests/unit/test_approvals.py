"""Who may decide, who is asked, and what the decisions on a plan result in."""

from __future__ import annotations

from itertools import product
from uuid import UUID, uuid4

import pytest

from oppsync.domain.approval.tasks import REQUIRED_ROLES, ApprovalTask, Person, TaskStatus
from oppsync.domain.approval.who_may import REFUSAL_TEXTS, Refusal, may_decide
from oppsync.domain.values.roles import ROLE_FOR, ApprovalRole, PersonRole
from oppsync.domain.work.states import State
from oppsync.pipeline.approve import open_tasks, weigh_decisions
from oppsync.pipeline.stage import Advance, Await, Park
from tests.harness import builders as make

HASH = "a" * 64
ANN = UUID(int=1)
FINANCE, DELIVERY = ApprovalRole.FINANCE, ApprovalRole.DELIVERY


def person(*roles: PersonRole, email: str = "ann@example.com", is_active: bool = True) -> Person:
    return Person(id=ANN, email=email, name="Ann", roles=frozenset(roles), is_active=is_active)


def task(role: ApprovalRole, status: TaskStatus, plan_hash: str = HASH, by: UUID | None = None) -> ApprovalTask:
    return ApprovalTask(
        id=uuid4(),
        opportunity_id=make.OPPORTUNITY_ID,
        plan_hash=plan_hash,
        role=role,
        status=status,
        candidates=(),
        opened_at=make.NOW,
        decided_by=by,
    )


@pytest.mark.parametrize(("asked", "has"), list(product(ApprovalRole, PersonRole)))
def test_only_the_role_s_own_approvers_may_decide(asked: ApprovalRole, has: PersonRole) -> None:
    refusal = may_decide(person(has), asked, None, ())

    assert refusal is (None if ROLE_FOR[asked] is has else Refusal.NOT_AN_APPROVER)


@pytest.mark.parametrize("owner", ["ann@example.com", "ANN@Example.COM"])
def test_nobody_decides_an_own_opportunity(owner: str) -> None:
    ann = person(PersonRole.FINANCE_APPROVER)

    assert may_decide(ann, FINANCE, owner, ()) is Refusal.OWN_OPPORTUNITY
    assert may_decide(ann, FINANCE, "bob@example.com", ()) is None


def test_a_person_who_left_may_not_decide() -> None:
    gone = person(PersonRole.FINANCE_APPROVER, is_active=False)

    assert may_decide(gone, FINANCE, None, ()) is Refusal.NOT_AN_APPROVER


def test_nobody_decides_for_both_roles() -> None:
    both = person(PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER)
    mine = task(FINANCE, TaskStatus.APPROVED, by=ANN)
    another_s = task(FINANCE, TaskStatus.APPROVED, by=UUID(int=2))

    assert may_decide(both, DELIVERY, None, [mine]) is Refusal.ALREADY_DECIDED_OTHER_ROLE
    assert may_decide(both, DELIVERY, None, [another_s]) is None


def test_every_refusal_is_explained() -> None:
    assert set(REFUSAL_TEXTS) == set(Refusal)


def test_a_plan_waits_for_every_role_with_those_who_may_decide() -> None:
    planned = make.tracked(make.opportunity(), state=State.PLANNED, plan_hash=HASH)

    outcome = open_tasks(planned, {role: [person(ROLE_FOR[role])] for role in REQUIRED_ROLES})

    assert isinstance(outcome, Advance)
    assert outcome.to is State.AWAITING_APPROVAL
    assert outcome.open_tasks == dict.fromkeys(REQUIRED_ROLES, (ANN,))


@pytest.mark.parametrize("alone", [{FINANCE}, {DELIVERY}, {FINANCE, DELIVERY}])
def test_a_plan_that_a_role_has_nobody_for_is_parked(alone: set[ApprovalRole]) -> None:
    planned = make.tracked(make.opportunity(), state=State.PLANNED, plan_hash=HASH)
    candidates = {role: [] if role in alone else [person(ROLE_FOR[role])] for role in REQUIRED_ROLES}

    outcome = open_tasks(planned, candidates)

    assert isinstance(outcome, Park)
    assert {found.code for found in outcome.findings} == {"NO_APPROVER"}
    assert {found.value for found in outcome.findings} == {role.value for role in alone}


WAITS, GOES_ON, ENDS = None, State.APPROVED, State.REFUSED


@pytest.mark.parametrize(
    ("finance", "delivery", "to"),
    [
        (TaskStatus.OPEN, TaskStatus.OPEN, WAITS),
        (TaskStatus.APPROVED, TaskStatus.OPEN, WAITS),
        (TaskStatus.OPEN, TaskStatus.APPROVED, WAITS),
        (TaskStatus.APPROVED, TaskStatus.APPROVED, GOES_ON),
        (TaskStatus.REJECTED, TaskStatus.OPEN, ENDS),
        (TaskStatus.OPEN, TaskStatus.REJECTED, ENDS),
        (TaskStatus.APPROVED, TaskStatus.REJECTED, ENDS),
        (TaskStatus.REJECTED, TaskStatus.APPROVED, ENDS),
        (TaskStatus.REJECTED, TaskStatus.VOID, ENDS),
        (TaskStatus.APPROVED, TaskStatus.VOID, WAITS),
        (TaskStatus.VOID, TaskStatus.VOID, WAITS),
    ],
)
def test_what_the_decisions_add_up_to(finance: TaskStatus, delivery: TaskStatus, to: State | None) -> None:
    waiting = make.tracked(make.opportunity(), state=State.AWAITING_APPROVAL, plan_hash=HASH)

    outcome = weigh_decisions(waiting, [task(FINANCE, finance), task(DELIVERY, delivery)])

    assert (outcome.to if isinstance(outcome, Advance) else None) is to
    assert isinstance(outcome, Await) is (to is WAITS)


@pytest.mark.parametrize("status", [TaskStatus.APPROVED, TaskStatus.REJECTED])
def test_decisions_on_another_plan_count_for_nothing(status: TaskStatus) -> None:
    waiting = make.tracked(make.opportunity(), state=State.AWAITING_APPROVAL, plan_hash="b" * 64)

    assert isinstance(weigh_decisions(waiting, [task(role, status) for role in REQUIRED_ROLES]), Await)
