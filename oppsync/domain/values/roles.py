"""Roles: what a person may do here, and what a plan is approved for."""

from __future__ import annotations

from enum import StrEnum


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
    ADMIN = "admin"


ROLE_FOR: dict[ApprovalRole, PersonRole] = {
    ApprovalRole.FINANCE: PersonRole.FINANCE_APPROVER,
    ApprovalRole.DELIVERY: PersonRole.DELIVERY_APPROVER,
}
