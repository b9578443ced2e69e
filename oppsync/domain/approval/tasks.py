"""Approval tasks: who must approve a plan, and the rules about who may not."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.values.roles import ROLE_FOR, ApprovalRole, PersonRole


class TaskStatus(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    VOID = "void"  # the plan changed, the deal was withdrawn, or the other role rejected it


class Decision(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


class Person(Frozen):
    id: UUID
    email: Code
    name: Text
    roles: frozenset[PersonRole]
    is_active: bool = True


class RuleUse(Frozen):
    """Which rule approved: its name, and which row of it, as in `ReferenceRow`."""

    name: Code
    valid_from: date
    version: int

    def __str__(self) -> str:
        return f"Rule {self.name} (from {self.valid_from}, version {self.version})"


class ApprovalTask(Frozen):
    """One role's decision on one plan. `candidates` are the people told when it was opened.

    Approved by a person (`decided_by`) or by a rule (`rule`), never by both.
    """

    id: UUID
    opportunity_id: UUID
    plan_hash: Code
    role: ApprovalRole
    status: TaskStatus
    candidates: tuple[UUID, ...]
    opened_at: AwareDatetime
    decided_at: AwareDatetime | None = None
    decided_by: UUID | None = None
    comment: Text = ""
    rule: RuleUse | None = None


class SignedIn(Frozen):
    """Who asks, and for which tenant."""

    tenant_id: Code
    person: Person


class Refusal(StrEnum):
    """Why a person may not decide a task."""

    NOT_AN_APPROVER = "NOT_AN_APPROVER"
    OWN_OPPORTUNITY = "OWN_OPPORTUNITY"
    ALREADY_DECIDED_OTHER_ROLE = "ALREADY_DECIDED_OTHER_ROLE"
    EDITED_PLAN = "EDITED_PLAN"


REFUSAL_TEXTS: dict[Refusal, str] = {
    Refusal.NOT_AN_APPROVER: "You do not have the role that decides this.",
    Refusal.OWN_OPPORTUNITY: "You own this opportunity; somebody else has to decide.",
    Refusal.EDITED_PLAN: "You changed this plan; somebody else has to decide.",
    Refusal.ALREADY_DECIDED_OTHER_ROLE: "You decided this plan for the other role; one person counts once.",
}


def may_decide(
    person: Person,
    role: ApprovalRole,
    owner_email: str | None,
    others: Iterable[ApprovalTask],
    editors: Collection[UUID] = (),
) -> Refusal | None:
    """Why `person` may not decide for `role`; None when they may. `others`: the same plan's other tasks;
    `editors`: who overrode something of it."""
    if not person.is_active or ROLE_FOR[role] not in person.roles:
        return Refusal.NOT_AN_APPROVER
    if owner_email is not None and owner_email.lower() == person.email.lower():
        return Refusal.OWN_OPPORTUNITY
    if person.id in editors:
        return Refusal.EDITED_PLAN
    if any(task.decided_by == person.id and task.role is not role for task in others):
        return Refusal.ALREADY_DECIDED_OTHER_ROLE
    return None
