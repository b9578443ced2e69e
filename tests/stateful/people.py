"""The people of the firm, and who may decide what: the rule written a second time, without using its code."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from oppsync.domain.approval.tasks import ApprovalTask, Person, TaskStatus
from oppsync.domain.values.roles import ApprovalRole, PersonRole
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity

FINANCE, DELIVERY = PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER
PEOPLE = (
    Person(id=UUID(int=1), email="fiona@example.com", name="Fiona", roles=frozenset({FINANCE})),
    Person(id=UUID(int=2), email="dario@example.com", name="Dario", roles=frozenset({DELIVERY})),
    Person(id=UUID(int=3), email="bo@example.com", name="Bo", roles=frozenset({FINANCE, DELIVERY})),
    # Sells, and has both roles, but may never decide a deal of his own.
    Person(id=UUID(int=4), email="sam@example.com", name="Sam", roles=frozenset({FINANCE, DELIVERY})),
    Person(id=UUID(int=5), email="vera@example.com", name="Vera", roles=frozenset({PersonRole.AUDITOR})),
    Person(id=UUID(int=6), email="olga@example.com", name="Olga", roles=frozenset({PersonRole.OPERATIONS})),
)
FIONA, DARIO, BO, SAM, VERA, OLGA = PEOPLE

# A step of a matrix that both may decide.
REVIEW = "review"
NEEDED: dict[str, frozenset[PersonRole]] = {
    ApprovalRole.FINANCE: frozenset({FINANCE}),
    ApprovalRole.DELIVERY: frozenset({DELIVERY}),
    REVIEW: frozenset({FINANCE, DELIVERY}),
}


def why_not(
    task: ApprovalTask,
    person: Person,
    seen: str,
    opportunity: TrackedOpportunity,
    tasks: Sequence[ApprovalTask],
) -> str | None:
    """Why this decision must be refused; None when it must be accepted. `seen`: the plan the person looked
    at."""
    record = opportunity.record
    reasons = {
        "the role is missing": NEEDED[task.role.partition("#")[0]].isdisjoint(person.roles),
        "the deal is their own": record and record.owner and record.owner.email == person.email,
        "they decided for the other role": any(
            other.decided_by == person.id
            for other in tasks
            if other.plan_hash == task.plan_hash
            and other.role != task.role
            and other.status is not TaskStatus.VOID
        ),
        f"the task is {task.status}": task.status is not TaskStatus.OPEN,
        "the plan is another": not seen == task.plan_hash == opportunity.plan_hash,
        "the deal changed": opportunity.reread_requested > opportunity.reread_done,
        f"the deal is {opportunity.state}": opportunity.state is not State.AWAITING_APPROVAL,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
