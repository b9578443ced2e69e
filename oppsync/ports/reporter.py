"""Where trouble is reported."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID


class Reporter(Protocol):
    """Writes a log entry, and alerts whoever watches. Never raises."""

    def dead_letter(self, opportunity_id: UUID, code: str, message: str, error: Exception | None) -> None:
        """Logged with the traceback of a bug."""

    def lease_lost(self, opportunity_id: UUID, token: int) -> None:
        """This worker was late: another one holds the opportunity, and nothing of this one's work was
        recorded."""
