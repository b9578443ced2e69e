"""Commands about people, their sessions and their tokens, and about connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from oppsync.domain.values.actor import Asker
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.access_proposals import AccessChange
from oppsync.domain.work.attempts import AttemptKind
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.observations import Observation
from oppsync.domain.work.trial_events import TrialEvent
from oppsync.domain.work.webhook_secrets import BOTH_VALID
from oppsync.kernel.bus import Command


@dataclass(frozen=True)
class CreatePerson(Command[UUID]):
    """Raises Conflict when the e-mail is taken; InvalidInput for a weak password or a malformed e-mail;
    Forbidden."""

    tenant_id: str
    actor: Asker
    email: str
    name: str
    password: str = field(repr=False)
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
class SetRoles(Command[None]):
    """Replace a person's roles. Raises NotFound, Forbidden."""

    tenant_id: str
    actor: Asker
    email: str
    roles: frozenset[PersonRole]


@dataclass(frozen=True)
class InvitePerson(Command[str]):
    """A person without a password, or one who was deactivated, anew. Returns the secret of their one-time
    link, which is shown once. Raises Conflict when the e-mail is somebody's who is active; InvalidInput for a
    malformed e-mail or no name; Forbidden."""

    tenant_id: str
    actor: Asker
    email: str
    name: str
    roles: frozenset[PersonRole]


@dataclass(frozen=True)
class ResetPerson(Command[str]):
    """End a person's password, sessions and former link. Returns the secret of a new one-time link. Raises
    NotFound, Forbidden."""

    tenant_id: str
    actor: Asker
    email: str


@dataclass(frozen=True)
class ProposeAccess(Command[UUID]):
    """Propose roles that two administrators have to agree to: to invite somebody with them, or to give them to
    somebody who is here. Returns the proposal's id. Raises Forbidden, NotFound, Conflict; InvalidInput where
    one administrator is enough."""

    tenant_id: str
    person_id: UUID
    change: AccessChange
    email: str
    roles: frozenset[PersonRole]
    name: str = ""


@dataclass(frozen=True)
class DecideAccess(Command[str | None]):
    """Agree, as another administrator, and have it done; or reject, which who proposed it may do too. Returns
    the secret of the one-time link when somebody was invited. Raises NotFound; Forbidden (code OWN_PROPOSAL);
    Conflict (code ALREADY_DECIDED); and what doing it raises."""

    tenant_id: str
    person_id: UUID
    proposal_id: UUID
    approve: bool
    comment: str = ""


@dataclass(frozen=True)
class AcceptInvitation(Command[None]):
    """Set the password of the person whose one-time link this is, and use the link up. Raises NotFound for a
    link that is used, replaced or too old; InvalidInput for a weak or repeated password."""

    secret: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True)
class DeactivatePerson(Command[None]):
    """The person no longer signs in: sessions, tokens and one-time link end, open approvals go to others.
    Raises NotFound, Forbidden."""

    tenant_id: str
    actor: Asker
    email: str


@dataclass(frozen=True)
class SetPassword(Command[None]):
    """Give a person a new password; ends their sessions. Raises NotFound, Forbidden; InvalidInput for a weak or
    repeated password."""

    tenant_id: str
    actor: Asker
    email: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class ChangePassword(Command[None]):
    """The person of a session changes their own; ends their other sessions. Raises Forbidden for a wrong old
    one, TooManyAttempts; InvalidInput for a weak or repeated new one."""

    session_secret: str = field(repr=False)
    address: str
    old: str = field(repr=False)
    new: str = field(repr=False)


@dataclass(frozen=True)
class CreateToken(Command[str]):
    """An API token acting as a person. Returns the secret, which is shown once.
    Raises NotFound for the person; Conflict when the name is taken; Forbidden."""

    tenant_id: str
    actor: Asker
    name: str
    email: str


@dataclass(frozen=True)
class RevokeToken(Command[None]):
    """Raises NotFound, Forbidden."""

    tenant_id: str
    actor: Asker
    name: str


@dataclass(frozen=True)
class SignIn(Command[str]):
    """Returns a session's secret for the cookie, and ends `browser_session`, which the browser had before.
    Raises Forbidden (code SIGN_IN_REFUSED), TooManyAttempts."""

    tenant_id: str
    email: str
    password: str = field(repr=False)
    address: str = ""
    browser_session: str = field(default="", repr=False)


@dataclass(frozen=True)
class SignOut(Command[None]):
    session_secret: str = field(repr=False)


@dataclass(frozen=True)
class SignOutEverywhere(Command[None]):
    """End every session of the session's person, this one too."""

    session_secret: str = field(repr=False)


@dataclass(frozen=True)
class EndSessions(Command[int]):
    """Sign a person out everywhere. Returns how many sessions ended. Raises NotFound, Forbidden."""

    tenant_id: str
    actor: Asker
    email: str


@dataclass(frozen=True)
class SetConnection(Command[None]):
    """Insert or replace a connection under an id of the asker's. `secrets` None: they stay. Raises Forbidden;
    InvalidInput for a new connection without secrets, Conflict for an id of another tenant."""

    tenant_id: str
    actor: Asker
    connection: Connection
    secrets: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ReencryptSecrets(Command[int]):
    """Encrypt the secrets of all connections by the installation's first key, so that older ones can go.
    Returns how many. Raises Forbidden; Misconfigured for secrets that no key opens."""

    tenant_id: str
    actor: Asker


class Added(NamedTuple):
    """`webhook_secret` is told this once; None where the vendor sends no webhooks."""

    connection_id: str
    webhook_secret: str | None


@dataclass(frozen=True)
class AddConnection(Command[Added]):
    """Connect a system under an id that we make. Raises Forbidden; WrongFields, which names each setting and
    secret at fault."""

    tenant_id: str
    actor: Asker
    role: ConnectionRole
    vendor: str
    name: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class EditConnection(Command[None]):
    """Change what is named: settings (None goes back to the default) and secrets. Secrets are given anew when
    the address changes, since they would be sent there. Raises NotFound, Forbidden, WrongFields."""

    tenant_id: str
    actor: Asker
    connection_id: str
    name: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class PauseConnection(Command[None]):
    """Call nothing there: webhooks are accepted, deals wait. Raises NotFound, Forbidden."""

    tenant_id: str
    actor: Asker
    connection_id: str


@dataclass(frozen=True)
class ResumeConnection(Command[None]):
    """What waited goes on at once. Raises NotFound, Forbidden."""

    tenant_id: str
    actor: Asker
    connection_id: str


@dataclass(frozen=True)
class RemoveConnection(Command[None]):
    """Forget its secrets; its webhook's address is nobody's from then on. Raises NotFound, Forbidden;
    Conflict while deals under way came from it or go there."""

    tenant_id: str
    actor: Asker
    connection_id: str


@dataclass(frozen=True)
class RotateWebhookSecret(Command[str]):
    """Returns a new secret, which is told this once. The earlier ones are accepted for `both_valid` more.
    Raises NotFound, Forbidden; InvalidInput for a connection without webhooks, and for a time that is too
    long."""

    tenant_id: str
    actor: Asker
    connection_id: str
    both_valid: timedelta = BOTH_VALID


@dataclass(frozen=True)
class InspectConnection(Command[Sequence[Observation]]):
    """Sign in there and look at what may be done; changes nothing. Raises NotFound, Forbidden."""

    tenant_id: str
    actor: Asker
    connection_id: str


@dataclass(frozen=True)
class SendTrialEvent(Command[TrialEvent]):
    """Send a signed test event to the connection's own webhook. It makes no deal. Raises NotFound, Forbidden;
    InvalidInput for a connection without webhooks."""

    tenant_id: str
    actor: Asker
    connection_id: str


@dataclass(frozen=True)
class CountAttempt(Command[None]):
    """Count what was refused to somebody outside. `subject`: the account, the token's person, the
    connection."""

    tenant_id: str
    kind: AttemptKind
    subject: str
    address: str
