"""What auditors read: who changed what about people, tokens, connections and rules; who tried to come in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from oppsync.domain.reading.readings import Page, TimelineEntry
from oppsync.domain.work.attempts import AttemptCount


class SecurityQueries(Protocol):
    def changes(self, tenant_id: str, *, after: str | None = None, limit: int = 25) -> Page[TimelineEntry]:
        """The audit events that are about no deal."""

    def attempts(self, tenant_id: str, *, limit: int = 100) -> Sequence[AttemptCount]:
        """By the hour, the last first."""

    def refused_signatures(self, tenant_id: str, connection_id: str) -> Sequence[AttemptCount]:
        """Deliveries to a connection whose signature was wrong, by the hour, the last first; of the last ten
        hours that had any."""
