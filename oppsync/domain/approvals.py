"""Approval tasks: who must approve a plan, and the rules about who may not."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.model import Code, Frozen, Text


class ApprovalRole(StrEnum):
    FINANCE = "finance"
    DELIVERY = "delivery"


class PersonRole(StrEnum):
    """What a person may do here."""

    FINANCE_APPROVER = "finance_approver"
    DELIVERY_APPROVER = "delivery_approver"
    OPERATIONS = "operations"
    INTEGRATION_ADMIN = "integration_admin"
    AUDITOR = "auditor"
    EXECUTIVE = "executive"


ROLE_FOR: dict[ApprovalRole, PersonRole] = {
    ApprovalRole.FINANCE: PersonRole.FINANCE_APPROVER,
    ApprovalRole.DELIVERY: PersonRole.DELIVERY_APPROVER,
}


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


class ApprovalTask(Frozen):
    """One role's decision on one plan. `candidates` are the people told when it was opened."""

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
