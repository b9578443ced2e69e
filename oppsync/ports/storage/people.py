"""Storage of people, their sessions and their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from oppsync.domain.approval.tasks import Person


class People(Protocol):
    def get(self, tenant_id: str, person_id: UUID) -> Person:
        """Raises NotFound."""

    def everyone(self, tenant_id: str) -> Sequence[Person]:
        """All there ever were, by name: those who left too."""

    def add(self, tenant_id: str, person: Person, password_hash: str) -> None:
        """Raises Conflict when the e-mail is taken."""

    def by_email(self, tenant_id: str, email: str) -> tuple[Person, str] | None:
        """The active person with this e-mail, and the password hash."""

    def identify(
        self, tenant_id: str, person_id: UUID, further_emails: Sequence[str], crm_user_ids: Sequence[str]
    ) -> None:
        """Replaces what else the person is known by."""


class Credentials(Protocol):
    """Sessions of people and API tokens; only hashes of the secrets are stored."""

    def add_session(self, tenant_id: str, person_id: UUID, secret_hash: str, ttl: timedelta) -> None: ...

    def session_person(self, secret_hash: str) -> tuple[str, Person] | None:
        """Tenant and person of a session that has not expired; None for people no longer active."""

    def end_session(self, secret_hash: str) -> None: ...

    def add_token(self, tenant_id: str, name: str, secret_hash: str, person_id: UUID) -> None:
        """Raises Conflict when the name is taken."""

    def token_person(self, secret_hash: str) -> tuple[str, Person] | None: ...
