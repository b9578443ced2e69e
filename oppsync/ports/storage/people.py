"""Storage of people, their sessions and their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from oppsync.domain.approval.tasks import Person, SignedIn
from oppsync.domain.values.limits import Granted
from oppsync.domain.values.scopes import Scopes


class People(Protocol):
    def get(self, tenant_id: str, person_id: UUID) -> Person:
        """Raises NotFound."""

    def everyone(self, tenant_id: str) -> Sequence[Person]:
        """All there ever were, by name: those who left too."""

    def add(self, tenant_id: str, person: Person, password_hash: str) -> None:
        """Raises Conflict when the e-mail is taken."""

    def by_email(self, tenant_id: str, email: str) -> tuple[Person, str] | None:
        """The active person with this e-mail, and the password hash."""

    def known(self, tenant_id: str, email: str) -> Person | None:
        """The person with this e-mail, active or not."""

    def identify(
        self, tenant_id: str, person_id: UUID, further_emails: Sequence[str], crm_user_ids: Sequence[str]
    ) -> None:
        """Replaces what else the person is known by."""

    def set_calendar(self, tenant_id: str, person_id: UUID, calendar: str | None) -> None: ...

    def former_passwords(self, tenant_id: str, person_id: UUID) -> Sequence[str]:
        """Hashes of the last passwords, the present one first."""

    def hold_password(self, tenant_id: str, person_id: UUID) -> str | None:
        """The hash of an active person. Whoever ends the password waits for the end of this transaction, and so
        ends the session or token that it makes."""

    def set_password(self, tenant_id: str, person_id: UUID, password_hash: str, former: Sequence[str]) -> None:
        """`former` are the hashes to keep, newest first."""

    def count_admins(self, tenant_id: str) -> int:
        """How many active administrators have a password."""

    def set_access(self, tenant_id: str, person_id: UUID, granted: Granted, *, is_active: bool) -> None: ...


class SecondFactor(NamedTuple):
    """`key` in base 32, as programs for codes take it."""

    key: str
    is_confirmed: bool


class SecondFactors(Protocol):
    """The keys are stored encrypted; of the codes for a lost one, only hashes."""

    def get(self, tenant_id: str, person_id: UUID) -> SecondFactor | None: ...

    def is_set(self, tenant_id: str, person_id: UUID) -> bool:
        """Whether there is a confirmed one."""

    def begin(self, tenant_id: str, person_id: UUID, key: str) -> None:
        """Instead of one that is not confirmed."""

    def confirm(self, tenant_id: str, person_id: UUID, step: int, recovery_hashes: Sequence[str]) -> bool:
        """From now on a code is asked for. False where that is so already: of two at once, one confirms it."""

    def reencrypt(self, tenant_id: str) -> int:
        """Encrypt all by the first key; returns how many. Raises Misconfigured for one that no key opens."""

    def use_step(self, tenant_id: str, person_id: UUID, step: int) -> bool:
        """False for the step of a code that was used, or of one before it. Of two at once, one gets it."""

    def use_recovery(self, tenant_id: str, person_id: UUID, recovery_hash: str) -> bool:
        """The same, of a code for when the key is lost."""

    def recovery_left(self, tenant_id: str, person_id: UUID) -> int:
        """How many of these codes were not used."""

    def remove(self, tenant_id: str, person_id: UUID) -> bool:
        """Whether there was a confirmed one."""


class Credentials(Protocol):
    """Sessions of people and API tokens; only hashes of the secrets are stored."""

    def add_session(
        self,
        tenant_id: str,
        person_id: UUID,
        secret_hash: str,
        ttl: timedelta,
        *,
        address: str = "",
        user_agent: str = "",
    ) -> None: ...

    def session_person(self, secret_hash: str, idle: timedelta) -> tuple[str, Person] | None:
        """Tenant and person of a session that has neither expired nor been idle for `idle`, which is used by
        this; None for people no longer active."""

    def begin_sign_in(self, tenant_id: str, person_id: UUID, secret_hash: str, ttl: timedelta) -> None:
        """A sign-in that waits for the code of the second factor."""

    def begun_sign_in(self, secret_hash: str) -> tuple[str, Person] | None: ...

    def end_begun(self, secret_hash: str) -> bool:
        """Whether it was still waiting. Of two at once, one ends it."""

    def end_session(self, secret_hash: str) -> None: ...

    def end_session_of(self, tenant_id: str, person_id: UUID, session_id: UUID) -> None:
        """Raises NotFound for a session that is not this person's, or is over."""

    def end_sessions(self, tenant_id: str, person_id: UUID, *, but: str | None = None) -> int:
        """End all sessions of a person, except the one of the hash `but`, and sign-ins that wait for a code.
        Returns how many sessions."""

    def revoke_token(self, tenant_id: str, name: str) -> UUID:
        """Returns the person it acted as. Raises NotFound for a token that is unknown or revoked already."""

    def revoke_tokens(self, tenant_id: str, person_id: UUID) -> Sequence[str]:
        """Revoke all tokens of a person. Returns their names."""

    def invite(self, tenant_id: str, person_id: UUID, secret_hash: str, ttl: timedelta) -> None:
        """Keep the person's one-time link, instead of the one before."""

    def invited(self, secret_hash: str) -> tuple[str, Person] | None:
        """Tenant and person of a link that is good; None for people who are not active."""

    def use_invitation(self, secret_hash: str) -> tuple[str, Person] | None:
        """The same, and the link is good no more. Of two at once, one gets it."""

    def end_invitation(self, tenant_id: str, person_id: UUID) -> None: ...

    def add_token(
        self,
        tenant_id: str,
        name: str,
        secret_hash: str,
        person_id: UUID,
        *,
        scopes: Scopes,
        ends: datetime,
    ) -> None:
        """Raises Conflict when the name is taken."""

    def owner_of_token(self, tenant_id: str, name: str) -> UUID | None: ...

    def token_person(self, secret_hash: str, hash_without_scopes: str) -> SignedIn | None:
        """Who a token in use acts as; used by this. `hash_without_scopes`: how a token from before scopes is
        stored."""
