"""Access that two administrators have to agree to once the firm is live: who approves, and who administers."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.values.limits import NO_LIMITS, Granted, Limits, gains
from oppsync.domain.values.model import Frozen, Text
from oppsync.domain.values.roles import PersonRole, Role, is_approver


class AccessChange(StrEnum):
    INVITE = "invite"
    SET_ROLES = "set_roles"


class AccessStatus(StrEnum):
    OPEN = "open"
    AGREED = "agreed"
    DONE = "done"
    REJECTED = "rejected"


class AccessProposal(Frozen):
    """An administrator's wish to invite a person with these roles, or to give them to somebody who is here.

    Agreed: another administrator agreed, and it is about to be done. `name` is empty for somebody who is here.
    Address and name are as they are stored, so that one that an older release took can be read and rejected.
    """

    id: UUID
    change: AccessChange
    email: str
    name: str = ""
    roles: frozenset[Role]
    limits: Limits = NO_LIMITS
    proposed_by: UUID
    proposed_at: AwareDatetime
    status: AccessStatus = AccessStatus.OPEN
    decided_by: UUID | None = None
    decided_at: AwareDatetime | None = None
    comment: Text = ""

    @property
    def granted(self) -> Granted:
        return Granted(self.roles, self.limits)


def needs_two(roles: Iterable[str]) -> frozenset[str]:
    """Those of `roles` that two administrators have to agree to."""
    return frozenset(role for role in roles if is_approver(role) or role == PersonRole.ADMIN)


def gained(before: Granted, after: Granted) -> frozenset[str]:
    """The roles that need two administrators and were not there before, or counted for less. To take a role
    away, or to limit it, needs one."""
    return frozenset(role for role in needs_two(after.roles) if gains(role, before, after))
