"""The security log."""

from __future__ import annotations

from oppsync.domain.reading.readings import TimelineEntry
from oppsync.domain.values.model import Code, Frozen
from oppsync.domain.work.attempts import AttemptCount


class SecurityChangePage(Frozen):
    rows: tuple[TimelineEntry, ...]
    next_cursor: Code | None = None


class SecurityAttempts(Frozen):
    """Newest first."""

    rows: tuple[AttemptCount, ...]
