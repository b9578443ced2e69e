"""Commands about people, their sessions and their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from oppsync.domain.values.actor import Asker
from oppsync.domain.values.roles import PersonRole
from oppsync.kernel.bus import Command


@dataclass(frozen=True)
class CreatePerson(Command[UUID]):
    """Raises Conflict when the e-mail is taken; InvalidInput for a weak password or a malformed e-mail;
    Forbidden."""

    tenant_id: str
    actor: Asker
    email: str
    name: str
    password: str
    roles: frozenset[PersonRole]
    further_emails: tuple[str, ...] = ()
    crm_user_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class IdentifyPerson(Command[None]):
    """Set the other addresses and user ids by which the CRM knows a person. Replaces earlier ones.
    They bar the person from approving, and open nothing. Raises NotFound; InvalidInput for a malformed e-mail;
    Forbidden."""

    tenant_id: str
    actor: Asker
    email: str
    further_emails: tuple[str, ...] = ()
    crm_user_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class CreateToken(Command[str]):
    """An API token acting as a person. Returns the secret, which is shown once.
    Raises NotFound for the person; Conflict when the name is taken; Forbidden."""

    tenant_id: str
    actor: Asker
    name: str
    email: str


@dataclass(frozen=True)
class SignIn(Command[str]):
    """Returns a session's secret for the cookie. Raises Forbidden (code SIGN_IN_REFUSED)."""

    tenant_id: str
    email: str
    password: str


@dataclass(frozen=True)
class SignOut(Command[None]):
    session_secret: str
