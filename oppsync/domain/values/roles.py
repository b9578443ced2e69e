"""Roles: what a person may do here, and what a plan is approved for.

Two approval roles are always there. A firm's configuration names further ones by a code, such as `tax`; who
holds one has the role `approver:tax`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

_CODE = "[a-z][a-z0-9_]{0,39}"
_FURTHER = "approver:"


class ApprovalRole(StrEnum):
    """Those that are always there."""

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


ROLE_FOR: dict[str, PersonRole] = {
    ApprovalRole.FINANCE: PersonRole.FINANCE_APPROVER,
    ApprovalRole.DELIVERY: PersonRole.DELIVERY_APPROVER,
}
# The code of an approval role.
RoleCode = Annotated[str, StringConstraints(strip_whitespace=True, pattern=f"^{_CODE}$")]
# A role that a person may have: one of ours, or that of an approver whom the firm's configuration names.
Role = PersonRole | Annotated[str, StringConstraints(pattern=f"^{_FURTHER}{_CODE}$")]


def is_role_code(text: str) -> bool:
    return re.fullmatch(_CODE, text) is not None


def held_as(approval_role: str) -> str:
    """The role of a person who may approve for it."""
    return ROLE_FOR.get(approval_role) or f"{_FURTHER}{approval_role}"


def approves_for(roles: Iterable[str]) -> frozenset[str]:
    """The approval roles that somebody with these roles holds."""
    held = set(roles)
    always = {code for code, role in ROLE_FOR.items() if role in held}
    return frozenset(always | {role.removeprefix(_FURTHER) for role in held if is_further(role)})


def is_further(role: str) -> bool:
    """Whether it is an approver's role that the firm's configuration names."""
    return role.startswith(_FURTHER)


def is_approver(role: str) -> bool:
    return role in ROLE_FOR.values() or is_further(role)


def roles_in_order(roles: Iterable[str]) -> tuple[str, ...]:
    """Ours as they are listed, then further ones by the alphabet."""
    held = set(roles)
    return (*(role for role in PersonRole if role in held), *sorted(filter(is_further, held)))


def role_name(role: str) -> str:
    """Such as `finance approver`, or `approver for tax`."""
    return role.replace(_FURTHER, "approver for ").replace("_", " ")
