"""Whether the people who may decide are enough for all steps of a plan together."""

from __future__ import annotations

from collections.abc import Sequence

from oppsync.domain.approval.involved import Away, Involved
from oppsync.domain.approval.tasks import Person
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, RequiredApproval
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import PersonRole
from oppsync.pipeline.approve import nobody_approves
from oppsync.pipeline.duties import Duties
from tests.unit.test_matrix import person

NOBODY = Involved()


def two_steps(*people: Person, steps: Sequence[RequiredApproval] = ()) -> Sequence[Finding]:
    """What stops a plan of these steps, of the people who may decide it."""
    dealt, required = Duties(people, NOBODY), steps or DEFAULT_APPROVALS
    return nobody_approves(
        dealt.candidates(required=required), required, eligible=dealt.eligible(required=required)
    )


def test_two_steps_that_have_one_and_the_same_person_are_a_dead_end_that_is_told_before_anybody_is_asked() -> (
    None
):
    both = person(1, PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER)
    other = person(2, PersonRole.FINANCE_APPROVER)

    (found,) = two_steps(both)

    assert (found.code, found.value) == ("NO_APPROVER", "finance")
    assert found.message == f"Finance and Delivery need 2 different people, and only 1 may approve: {both.name}"
    assert two_steps(both, other) == two_steps(other, both) == []


def test_whoever_could_take_another_seat_makes_room() -> None:
    """Three steps, each with somebody of their own in the only way there is."""
    ann = person(1, PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER, "approver:tax")
    bea = person(2, PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER)
    cem = person(3, PersonRole.FINANCE_APPROVER)
    tax = RequiredApproval(step="tax", name="Tax", roles=("tax",), order=2)

    assert two_steps(ann, bea, cem, steps=(*DEFAULT_APPROVALS, tax)) == []
    (found,) = two_steps(ann, bea, steps=(*DEFAULT_APPROVALS, tax))
    assert found.message.startswith(
        "Finance and Delivery and Tax need 3 different people, and only 2 may approve"
    )


def test_two_accounts_of_one_person_are_one_and_who_is_away_comes_back() -> None:
    ann, bea = person(1, PersonRole.FINANCE_APPROVER), person(2, PersonRole.DELIVERY_APPROVER)
    twin = changed(bea, further_emails=(ann.email,))
    assert [each.value for each in two_steps(ann, twin)] == ["finance"]

    chief = changed(ann, roles=frozenset({*ann.roles, *bea.roles}))
    away = changed(NOBODY, away=(Away(person=bea),))
    dealt = Duties((chief, bea), away)
    assert dealt.candidates()["delivery"] == [chief]
    assert nobody_approves(dealt.candidates(), eligible=dealt.eligible()) == []
