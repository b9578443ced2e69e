"""Commands about people, their sessions and their tokens, and about connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from oppsync.domain.values.actor import Asker, AskingPerson
from oppsync.domain.values.limits import NO_LIMITS, Limits
from oppsync.domain.values.roles import Role
from oppsync.domain.values.scopes import READS_ONLY, TOKEN_LASTS, Scopes
from oppsync.domain.work.access_proposals import AccessChange
from oppsync.domain.work.attempts import AttemptKind
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.observations import Observation
from oppsync.domain.work.trial_events import TrialEvent
from oppsync.domain.work.webhook_secrets import BOTH_VALID
from oppsync.kernel.bus import Command


@dataclass(frozen=True)
class CreatePerson(Command[UUID]):
    """Raises Conflict when the e-mail is taken; InvalidInput for a weak password, a malformed e-mail or a limit
    that does not fit; Forbidden."""

    tenant_id: str
    actor: Asker
    email: str
    name: str
    password: str = field(repr=False)
    roles: frozenset[Role]
    further_emails: tuple[str, ...] = ()
    crm_user_ids: tuple[str, ...] = ()
    limits: Limits = NO_LIMITS


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


class OneTimeLink(NamedTuple):
    """A link by which a person sets their password. `secret`: None where whoever asked is not shown it, because
    it is its person's alone (`services.admin.guarded`); `note` then says where it went, or what to do.
    `is_stuck`: it did not reach the person, who cannot sign in before somebody does that."""

    secret: str | None
    note: str = ""
    is_stuck: bool = False


@dataclass(frozen=True)
class SetRoles(Command[OneTimeLink | None]):
    """Replace a person's roles and their limits; ends their sessions, and with a role more their tokens. An
    approver's or administrator's role of a live firm ends their password too, and returns the new link. Raises
    NotFound, Forbidden; InvalidInput for a limit that does not fit."""

    tenant_id: str
    actor: Asker
    email: str
    roles: frozenset[Role]
    limits: Limits = NO_LIMITS


@dataclass(frozen=True)
class InvitePerson(Command[OneTimeLink]):
    """A person without a password, or one who was deactivated, anew. Returns their one-time link, whose secret
    is shown once. Raises Conflict when the e-mail is somebody's who is active; InvalidInput for a
    malformed e-mail, no name or a limit that does not fit; Forbidden."""

    tenant_id: str
    actor: Asker
    email: str
    name: str
    roles: frozenset[Role]
    limits: Limits = NO_LIMITS


@dataclass(frozen=True)
class ResetPerson(Command[str | None]):
    """End a person's password, sessions, API tokens and former link. Returns the secret of a new one-time
    link; None where it was mailed to its person alone (`services.admin.guarded`).

    Raises NotFound; Forbidden (code ONLY_THE_PERSON where no mail can reach them); Conflict (code
    MAIL_NOT_SENT) once all of it is done but the mail."""

    tenant_id: str
    actor: Asker
    email: str


@dataclass(frozen=True)
class ProposeAccess(Command[UUID]):
    """Propose roles that two administrators have to agree to: to invite somebody with them, or to give them to
    somebody who is here. Returns the proposal's id. Raises Forbidden, NotFound, Conflict; InvalidInput where
    one administrator is enough, and for an address or a name that nobody can have."""

    tenant_id: str
    actor: AskingPerson
    change: AccessChange
    email: str
    roles: frozenset[Role]
    name: str = ""
    limits: Limits = NO_LIMITS


@dataclass(frozen=True)
class DecideAccess(Command[OneTimeLink | None]):
    """Agree, as another administrator, and have it done; or reject, which who proposed it may do too. Returns
    the person's one-time link, which is shown to nobody else; None where there is none. Raises NotFound;
    Forbidden (code OWN_PROPOSAL; OWN_ACCOUNT where it is about them); Conflict (code ALREADY_DECIDED); and what
    doing it raises."""

    tenant_id: str
    actor: AskingPerson
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
    """Give a person a new password; ends their sessions and API tokens. Raises NotFound, Forbidden;
    InvalidInput for a weak or repeated password."""

    tenant_id: str
    actor: Asker
    email: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class ChangePassword(Command[None]):
    """The person of a session changes their own; ends their other sessions, and no tokens. Raises Forbidden for
    a wrong old one, TooManyAttempts; InvalidInput for a weak or repeated new one."""

    session_secret: str = field(repr=False)
    address: str
    old: str = field(repr=False)
    new: str = field(repr=False)


@dataclass(frozen=True)
class CreateToken(Command[str]):
    """An API token acting as a person: reads, and does what further `scopes` give, for `lasts`. Returns the
    secret, which is shown once. People make tokens of their own; a token makes none that may do more than
    itself or ends later. Raises NotFound for the person; Conflict when the name is taken; InvalidInput;
    Forbidden."""

    tenant_id: str
    actor: Asker
    name: str
    email: str
    scopes: Scopes = READS_ONLY
    lasts: timedelta = TOKEN_LASTS


@dataclass(frozen=True)
class RevokeToken(Command[None]):
    """One's own, or as an administrator anybody's. Raises NotFound, Forbidden."""

    tenant_id: str
    actor: Asker
    name: str


@dataclass(frozen=True)
class CodeAsked:
    """The password was right, and the person has a second factor: the secret of the sign-in that waits for a
    code."""

    secret: str = field(repr=False)


@dataclass(frozen=True)
class SignIn(Command[str | CodeAsked]):
    """Returns a session's secret for the cookie, and ends `browser_session`, which the browser had before; or
    asks for a code. Raises Forbidden (code SIGN_IN_REFUSED), TooManyAttempts."""

    tenant_id: str
    email: str
    password: str = field(repr=False)
    address: str = ""
    browser_session: str = field(default="", repr=False)
    user_agent: str = ""


@dataclass(frozen=True)
class EnterCode(Command[str]):
    """Go on with a sign-in by the code of the second factor, or by one of those for when its key is lost.
    Returns a session's secret. Raises NotFound when the sign-in waited for too long; Forbidden (code
    SIGN_IN_REFUSED), TooManyAttempts."""

    begun: str = field(repr=False)
    code: str = field(repr=False)
    address: str = ""
    browser_session: str = field(default="", repr=False)
    user_agent: str = ""


@dataclass(frozen=True)
class BeginSecondFactor(Command[str]):
    """A new key for the session's person; it counts once it is confirmed. Returns it. Raises Forbidden for a
    wrong password, TooManyAttempts; Conflict for somebody who has a second factor."""

    session_secret: str = field(repr=False)
    address: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class ConfirmSecondFactor(Command[Sequence[str]]):
    """Ask for a code at signing in from now on; ends the person's other sessions. Returns codes for when the
    key is lost, which are shown once. Raises InvalidInput for a wrong code, Conflict, Forbidden."""

    session_secret: str = field(repr=False)
    code: str = field(repr=False)


@dataclass(frozen=True)
class RemoveSecondFactor(Command[None]):
    """By its person, with a code. Raises Forbidden for a wrong one, TooManyAttempts; NotFound."""

    session_secret: str = field(repr=False)
    address: str
    code: str = field(repr=False)


@dataclass(frozen=True)
class ResetSecondFactor(Command[None]):
    """For a person who lost key and codes; ends their sessions and API tokens. Raises NotFound, Forbidden."""

    tenant_id: str
    actor: Asker
    email: str


@dataclass(frozen=True)
class SignOut(Command[None]):
    session_secret: str = field(repr=False)


@dataclass(frozen=True)
class SignOutEverywhere(Command[None]):
    """End every session of the session's person, this one too."""

    session_secret: str = field(repr=False)


@dataclass(frozen=True)
class EndSession(Command[None]):
    """End one of one's own sessions. Raises NotFound for one that is over or another's; Forbidden."""

    tenant_id: str
    actor: AskingPerson
    session_id: UUID


@dataclass(frozen=True)
class EndSessions(Command[int]):
    """Sign a person out everywhere. Returns how many sessions ended. Raises NotFound, Forbidden."""

    tenant_id: str
    actor: Asker
    email: str


@dataclass(frozen=True)
class SetConnection(Command[bool]):
    """Insert or replace a connection under an id of the asker's. `secrets` None: they stay. Returns as
    `EditConnection`. Raises Forbidden; InvalidInput for a new connection without secrets, Conflict for an id of
    another tenant."""

    tenant_id: str
    actor: Asker
    connection: Connection
    secrets: Mapping[str, Any] | None = field(default=None, repr=False)


class Reencrypted(NamedTuple):
    """How many there were of each."""

    connections: int
    second_factors: int


@dataclass(frozen=True)
class ReencryptSecrets(Command[Reencrypted]):
    """Encrypt the secrets of all connections and the keys of all second factors by the installation's first
    key, so that older ones can go. Raises Forbidden; Misconfigured for secrets that no key opens."""

    tenant_id: str
    actor: Asker


class Added(NamedTuple):
    """`webhook_secret` is told this once; None where the vendor sends no webhooks."""

    connection_id: str
    webhook_secret: str | None


@dataclass(frozen=True)
class AddConnection(Command[Added]):
    """Connect a system under an id that we make. `makes_secret`: with a webhook secret where it sends webhooks,
    which the answer shows. `confirmed`: although new deals of a live firm stop until a row routes them. Raises
    Forbidden; WrongFields, which names each setting and secret at fault; Conflict (code WOULD_STOP_DEALS)."""

    tenant_id: str
    actor: Asker
    role: ConnectionRole
    vendor: str
    name: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    makes_secret: bool = True
    confirmed: bool = False


@dataclass(frozen=True)
class EditConnection(Command[bool]):
    """Change what is named: settings (None goes back to the default) and secrets. Secrets are given anew when
    the address or the database changes, since they would be sent there. Returns whether it leads to other books
    now, so that the master data of the earlier ones is forgotten. Raises NotFound, Forbidden, WrongFields."""

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
    """Returns a new secret, which is told this once. The one before is accepted for `both_valid` more.
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
