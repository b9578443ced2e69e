"""Storage of counted attempts to come in."""

from __future__ import annotations

from typing import Protocol

from oppsync.domain.work.attempts import AttemptKind


class Attempts(Protocol):
    def count(self, tenant_id: str, kind: AttemptKind, subject: str, address: str) -> None:
        """One more in this hour."""
