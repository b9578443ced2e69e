"""Commands of the engine: work one opportunity."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from oppsync.kernel.bus import Command


@dataclass(frozen=True)
class RunStage(Command[None]):
    """Work the opportunity from `stage` on, if it is due and `stage` is the one it needs."""

    opportunity_id: UUID
    stage: str
