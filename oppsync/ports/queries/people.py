"""What administrators read: who comes in, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from oppsync.domain.reading.readings import PersonSummary, SessionSummary, TokenSummary


class PeopleQueries(Protocol):
    def people(self, tenant_id: str) -> Sequence[PersonSummary]:
        """All there ever were: who is active first, then by name."""

    def person(self, tenant_id: str, person_id: UUID) -> PersonSummary:
        """Raises NotFound."""

    def tokens(self, tenant_id: str, person_id: UUID | None = None) -> Sequence[TokenSummary]:
        """Those in use, of one person or of all, by name."""

    def sessions(self, tenant_id: str, person_id: UUID, asking: str = "") -> Sequence[SessionSummary]:
        """A person's open ones, newest first. `asking`: the hash of the secret of the session that asks; empty
        when none does."""
