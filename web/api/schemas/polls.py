"""How far each CRM is covered by polls."""

from __future__ import annotations

from oppsync.domain.reading.readings import PollStatus
from oppsync.domain.values.model import Frozen


class Polls(Frozen):
    """By connection."""

    rows: tuple[PollStatus, ...]
