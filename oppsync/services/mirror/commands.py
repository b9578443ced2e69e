"""Commands about the mirror of an ERP's master data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.values.actor import Asker
from oppsync.kernel.bus import Command


class Step(StrEnum):
    """`IDLE`: there was nothing to read, or another process reads it. `FAILED`: it is tried again later."""

    IDLE = "idle"
    MORE = "more"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class ReadMirror(Command[Step]):
    """Read one page of the master data that is due first, or of this connection's. Raises StoreUnavailable; a
    failure of the ERP is recorded, and tried again later."""

    connection_id: str | None = None


@dataclass(frozen=True)
class AskForMirror(Command[bool]):
    """Have an ERP's master data read now: of these kinds, or all. False when a reading is under way already:
    it is read again after that. Raises NotFound, Forbidden; InvalidInput for a system that gives none, or not
    this kind; Conflict while the connection is paused."""

    tenant_id: str
    actor: Asker
    connection_id: str
    kinds: Sequence[MasterKind] = ()
