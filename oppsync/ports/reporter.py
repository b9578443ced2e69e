"""Where trouble is reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID


class Reporter(Protocol):
    """Writes a log entry, and alerts whoever watches. Never raises."""

    def dead_letter(self, opportunity_id: UUID, code: str, message: str, error: Exception | None) -> None:
        """Logged with the traceback of a bug."""

    def parked(self, opportunity_id: UUID, stage: str, codes: Sequence[str]) -> None:
        """The deal waits for a person. Its exception item has the text: a log holds codes and ids alone."""

    def deferred(self, opportunity_id: UUID, stage: str, code: str, tries: int, seconds: float) -> None:
        """The stage is tried again by itself, after so many seconds."""

    def lease_lost(self, opportunity_id: UUID, token: int) -> None:
        """This worker was late: another one holds the opportunity, and nothing of this one's work was
        recorded."""
