"""People, their roles, sessions and tokens, and what two administrators agree to."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from oppsync.domain.reading.readings import PersonSummary, SessionSummary, TokenSummary
from oppsync.domain.values.limits import NO_LIMITS, Limits
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.values.roles import Role
from oppsync.domain.values.scopes import LONGEST_TOKEN, TOKEN_LASTS, Scope
from oppsync.domain.work.access_proposals import AccessChange, AccessProposal
from oppsync.services.admin.tokens import LONGEST_NAME


class InviteRequest(Frozen):
    email: Code
    name: Annotated[Text, Field(min_length=1)]
    roles: tuple[Role, ...] = ()
    limits: Limits = NO_LIMITS


class AccessRequest(Frozen):
    """`change`: whether somebody is invited with these roles, for which `name` is needed, or somebody who is
    here gets them. `roles` are all that the person is to have, `limits` those of approvers' roles."""

    change: AccessChange
    email: Code
    name: Text = ""
    roles: tuple[Role, ...]
    limits: Limits = NO_LIMITS


class AccessRejection(Frozen):
    reason: Annotated[Text, Field(min_length=1)]


class Proposed(Frozen):
    """The proposal that waits for another administrator."""

    id: UUID


class AccessProposals(Frozen):
    """Oldest first."""

    rows: tuple[AccessProposal, ...]


class Agreed(Frozen):
    """`note`: where the person's one-time link went, or what to do. `link` is null: it is theirs alone."""

    link: Text | None
    note: Text = ""


class RolesRequest(Frozen):
    """All roles that the person is to have. `limits`: which of them, an approver's, count for some entities and
    regions only."""

    roles: tuple[Role, ...]
    limits: Limits = NO_LIMITS


class TokenRequest(Frozen):
    """An API token of one's own. It reads; what else it may do, `scopes` say."""

    name: Annotated[Text, Field(min_length=1, max_length=LONGEST_NAME)]
    scopes: tuple[Scope, ...] = (Scope.READ,)
    days: Annotated[int, Field(ge=1, le=LONGEST_TOKEN.days)] = TOKEN_LASTS.days


class RevokeRequest(Frozen):
    name: Code


class Sessions(Frozen):
    """One's own that are open, newest first. `is_this` is false of all: an API token asks, no session."""

    rows: tuple[SessionSummary, ...]


class People(Frozen):
    """Who is active first, then by name."""

    rows: tuple[PersonSummary, ...]


class Tokens(Frozen):
    """By name."""

    rows: tuple[TokenSummary, ...]


class NewToken(Frozen):
    """`token` is answered this once."""

    token: Text
    row: TokenSummary


class OneTimeLink(Frozen):
    """`link` sets the password of `email`, once; null where it is its person's alone, and `note` says where it
    went, or what to do."""

    email: Code
    link: Text | None
    note: Text = ""


class ResetLink(Frozen):
    """`link` sets the password of `email`, once; null where it was mailed to its person alone."""

    email: Code
    link: Text | None
