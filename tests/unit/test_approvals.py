"""Who may decide, who is asked, and what the decisions on a plan result in."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from oppsync.domain.approval.deciding import may_decide
from oppsync.domain.approval.involved import NOBODY_INVOLVED, Involved, involved, unmatched_owners
from oppsync.domain.approval.refusals import REFUSAL_TEXTS, Refusal
from oppsync.domain.approval.tasks import ApprovalTask, Person, RuleUse, TaskStatus
from oppsync.domain.deal.parties import Part, Party, parties_of
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, Seat
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import ROLE_FOR, ApprovalRole, PersonRole
from oppsync.domain.work.states import State
from oppsync.pipeline.approve import open_tasks, weigh_decisions
from oppsync.pipeline.duties import Duties, Fallen, fallen
from oppsync.pipeline.stage import Advance, Await, Park
from tests.harness import builders as make

HASH = "a" * 64
ANN = UUID(int=1)
FINANCE, DELIVERY = ApprovalRole
FINANCE_STEP, DELIVERY_STEP = DEFAULT_APPROVALS


def person(*roles: PersonRole, email: str = "ann@example.com", is_active: bool = True) -> Person:
    return Person(id=ANN, email=email, name="Ann", roles=frozenset(roles), is_active=is_active)


def owned_by(email: str | None, user_id: str = "005U1") -> Involved:
    return Involved(parties=(Party(part=Part.OWNER, user_id=user_id, name="Somebody", email=email),))


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
    refusal = may_decide(person(has), dict(zip(ApprovalRole, DEFAULT_APPROVALS, strict=True))[asked])

    assert refusal is (None if ROLE_FOR[asked] is has else Refusal.NOT_AN_APPROVER)


@pytest.mark.parametrize("owner", ["ann@example.com", "ANN@Example.COM"])
def test_nobody_decides_an_own_opportunity(owner: str) -> None:
    ann = person(PersonRole.FINANCE_APPROVER)

    assert may_decide(ann, FINANCE_STEP, owned_by(owner)) is Refusal.OWN_OPPORTUNITY
    assert may_decide(ann, FINANCE_STEP, owned_by("bob@example.com")) is None


def test_a_person_who_left_may_not_decide() -> None:
    gone = person(PersonRole.FINANCE_APPROVER, is_active=False)

    assert may_decide(gone, FINANCE_STEP) is Refusal.NOT_AN_APPROVER


def test_nobody_decides_for_both_roles() -> None:
    both = person(PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER)
    mine = task(FINANCE, TaskStatus.APPROVED, by=ANN)
    another_s = task(FINANCE, TaskStatus.APPROVED, by=UUID(int=2))

    assert may_decide(both, DELIVERY_STEP, NOBODY_INVOLVED, [mine]) is Refusal.ALREADY_DECIDED_OTHER_ROLE
    assert may_decide(both, DELIVERY_STEP, NOBODY_INVOLVED, [another_s]) is None


def test_every_refusal_is_explained() -> None:
    assert set(REFUSAL_TEXTS) == set(Refusal)


def test_a_plan_waits_for_every_role_with_those_who_may_decide() -> None:
    planned = make.tracked(make.opportunity(), state=State.PLANNED, plan_hash=HASH)

    outcome = open_tasks(planned, {role: [person(ROLE_FOR[role])] for role in ApprovalRole})

    assert isinstance(outcome, Advance)
    assert outcome.to is State.AWAITING_APPROVAL
    assert outcome.open_tasks == dict.fromkeys(map(Seat, DEFAULT_APPROVALS), (ANN,))


@pytest.mark.parametrize("alone", [{FINANCE}, {DELIVERY}, {FINANCE, DELIVERY}])
def test_a_plan_that_a_role_has_nobody_for_is_parked(alone: set[ApprovalRole]) -> None:
    planned = make.tracked(make.opportunity(), state=State.PLANNED, plan_hash=HASH)
    candidates: dict[str, list[Person]] = {
        role: [] if role in alone else [person(ROLE_FOR[role])] for role in ApprovalRole
    }

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

    assert isinstance(weigh_decisions(waiting, [task(role, status) for role in ApprovalRole]), Await)


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "Ann+crm@example.com.invalid."},
        {"email": "an\u200bn@example.com"},
        {"email": "ann\ufe0f@example.com"},
        {"further_emails": ("seller@example.com",)},
        {"crm_user_ids": ("005Ws0000000001",)},
        {"crm_user_ids": ("005Ws0000000001BMA",)},
    ],
)
def test_one_person_is_known_by_whatever_the_crm_knows_them_by(changes: dict[str, Any]) -> None:
    """Its owner is user 005Ws0000000001BMA of the CRM, once with the address ann@, later with seller@."""
    user = "005Ws0000000001BMA"
    parties = (*owned_by("ann@example.com", user).parties, *owned_by("seller@example.com", user).parties)
    stranger = person(PersonRole.FINANCE_APPROVER, email="bob@example.com")

    assert may_decide(stranger, FINANCE_STEP, Involved(parties=parties)) is None
    known = changed(stranger, **changes)
    assert may_decide(known, FINANCE_STEP, Involved(parties=parties)) is Refusal.OWN_OPPORTUNITY


def test_two_people_with_one_id_of_the_crm_are_both_barred() -> None:
    two = [
        changed(person(PersonRole.FINANCE_APPROVER), id=UUID(int=n), crm_user_ids=("005U1",)) for n in (1, 2)
    ]

    assert {may_decide(each, FINANCE_STEP, owned_by(None)) for each in two} == {Refusal.OWN_OPPORTUNITY}


def test_an_owner_whom_nobody_is_like_is_unmatched_until_somebody_is_said_to_be() -> None:
    parties = owned_by("seller@example.com").parties
    ann = person(PersonRole.FINANCE_APPROVER)

    assert unmatched_owners(parties, [ann]) == parties
    assert unmatched_owners(parties, [changed(ann, crm_user_ids=("005U1",))]) == ()
    assert (
        unmatched_owners(parties, [changed(ann, is_active=False, further_emails=("Seller@example.com",))]) == ()
    )


ANN_OWNS = owned_by("ann@example.com")


def decided(role: ApprovalRole, by: int, minute: int) -> ApprovalTask:
    at = make.NOW + timedelta(minutes=minute)
    return changed(task(role, TaskStatus.APPROVED, by=UUID(int=by)), decided_at=at)


def staff(*changes: dict[str, Any]) -> list[Person]:
    """Everybody may decide for both roles."""
    both = person(PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER)
    names = ("ann", "bob", "cy")
    people = [changed(both, id=UUID(int=n), email=f"{names[n - 1]}@example.com") for n in (1, 2, 3)]
    return [changed(each, **change) for each, change in zip(people, changes or ({}, {}, {}), strict=True)]


def known(people: list[Person], tasks: list[ApprovalTask], owner: Involved = NOBODY_INVOLVED) -> Duties:
    return Duties(people, involved(owner.parties, (), tasks, people), tasks)


def test_an_approval_of_somebody_who_has_a_part_in_the_deal_does_not_stand() -> None:
    tasks = [decided(FINANCE, by=1, minute=1), decided(DELIVERY, by=2, minute=2)]

    down = fallen(tasks, known(staff(), tasks, ANN_OWNS))

    assert down == [Fallen(tasks[0], Refusal.OWN_OPPORTUNITY)]
    assert fallen(tasks, known(staff(), tasks)) == []


def test_an_approval_of_somebody_who_left_or_lost_the_role_stands() -> None:
    tasks = [decided(FINANCE, by=1, minute=1), decided(DELIVERY, by=2, minute=2)]

    assert fallen(tasks, known(staff({"is_active": False}, {"roles": frozenset()}, {}), tasks)) == []


def test_of_two_approvals_that_turn_out_to_be_one_person_s_the_first_stands() -> None:
    tasks = [decided(DELIVERY, by=2, minute=2), decided(FINANCE, by=1, minute=1)]
    one = known(staff({}, {"further_emails": ("ann@example.com",)}, {}), tasks)

    assert fallen(tasks, one) == [Fallen(tasks[0], Refusal.ALREADY_DECIDED_OTHER_ROLE)]


def test_a_task_that_nobody_who_was_asked_may_decide_is_asked_anew() -> None:
    asked = changed(task(FINANCE, TaskStatus.OPEN), candidates=(UUID(int=1),))

    assert fallen([asked], known(staff(), [asked], ANN_OWNS)) == [Fallen(asked, None)]
    assert fallen([asked], known(staff(), [asked])) == []


def test_after_a_rejection_nothing_is_asked_anew() -> None:
    tasks = [decided(FINANCE, by=1, minute=1), task(DELIVERY, TaskStatus.REJECTED, by=UUID(int=2))]

    assert fallen(tasks, known(staff(), tasks, ANN_OWNS)) == []


def test_an_approval_by_a_rule_is_nobody_s() -> None:
    rule = RuleUse(name="small", valid_from=make.NOW.date(), version=1)
    by_rule = changed(task(FINANCE, TaskStatus.APPROVED), rule=rule)

    assert fallen([by_rule], known(staff(), [by_rule], ANN_OWNS)) == []


def test_an_owner_with_a_plus_tag_is_that_person() -> None:
    """As `plan preview` of a deal whose owner the CRM writes fiona.finance+crm@."""
    fiona = person(PersonRole.FINANCE_APPROVER, email="fiona.finance@example.com")
    deal = make.opportunity(owner=make.owner(email="fiona.finance+crm@example.com"))
    dealt = Duties([fiona], Involved(parties=parties_of(deal)))

    assert dealt.candidates()[FINANCE] == []


def test_who_requested_and_who_owned_a_deal_are_no_part_of_its_document() -> None:
    """The release before reads it, and its digest stays."""
    plain = make.opportunity()
    told = changed(plain, created_by=make.owner(id="005R"), past_owners=(make.owner(id="005P"),))

    assert {party.user_id for party in parties_of(told)} == {"005U1", "005R", "005P"}
    assert told.model_dump(mode="json") == plain.model_dump(mode="json")
    assert told.content_digest() == plain.content_digest()
