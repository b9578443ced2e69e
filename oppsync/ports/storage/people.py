"""Storage of people, their sessions and their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from oppsync.domain.approval.tasks import Person
from oppsync.domain.values.roles import PersonRole


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

    def former_passwords(self, tenant_id: str, person_id: UUID) -> Sequence[str]:
        """Hashes of the last passwords, the present one first."""

    def set_password(self, tenant_id: str, person_id: UUID, password_hash: str, former: Sequence[str]) -> None:
        """`former` are the hashes to keep, newest first."""

    def count_admins(self, tenant_id: str) -> int:
        """How many active administrators have a password."""

    def set_access(
        self, tenant_id: str, person_id: UUID, roles: frozenset[PersonRole], *, is_active: bool
    ) -> None: ...


class Credentials(Protocol):
    """Sessions of people and API tokens; only hashes of the secrets are stored."""

    def add_session(self, tenant_id: str, person_id: UUID, secret_hash: str, ttl: timedelta) -> None: ...

    def session_person(self, secret_hash: str, idle: timedelta) -> tuple[str, Person] | None:
        """Tenant and person of a session that has neither expired nor been idle for `idle`, which is used by
        this; None for people no longer active."""

    def end_session(self, secret_hash: str) -> None: ...

    def end_sessions(self, tenant_id: str, person_id: UUID, *, but: str | None = None) -> int:
        """End all sessions of a person, except the one of the hash `but`. Returns how many."""

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

    def add_token(self, tenant_id: str, name: str, secret_hash: str, person_id: UUID) -> None:
        """Raises Conflict when the name is taken."""

    def token_person(self, secret_hash: str) -> tuple[str, Person] | None: ...
