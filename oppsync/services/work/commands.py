"""What can be asked of the engine: work one opportunity."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from oppsync.kernel.bus import Command


@dataclass(frozen=True)
class RunStage(Command[None]):
    """Work the opportunity from `stage` on, if that is where it stands and it is due."""

    opportunity_id: UUID
    stage: str
