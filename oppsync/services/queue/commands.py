"""Commands of the exception queue. Each raises Forbidden too (`domain.approval.who_may`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from oppsync.domain.values.actor import Asker
from oppsync.domain.work.dead_letters import DeadLetter
from oppsync.domain.work.replays import Previewed, ReplayOf, ReplayPreview, ReplayReport, Selection
from oppsync.kernel.bus import Command


@dataclass(frozen=True)
class ReplayException(Command[None]):
    """Work it again from the stage it stopped at. Raises NotFound; Conflict (code ALREADY_CLOSED)."""

    tenant_id: str
    item_id: UUID
    actor: Asker


@dataclass(frozen=True)
class PreviewReplay(Command[ReplayPreview]):
    """Tell the effect of a replay on each item. Raises InvalidInput for an empty selection or an unknown
    stage."""

    tenant_id: str
    actor: Asker
    selection: Selection
    from_stage: str | None = None


@dataclass(frozen=True)
class RunReplay(Command[ReplayReport]):
    """Replay the items of a preview; one that changed since, or would not run now, is skipped and reported so.
    Raises InvalidInput for an unknown stage."""

    tenant_id: str
    actor: Asker
    of: ReplayOf
    items: Sequence[Previewed]
    from_stage: str | None = None


@dataclass(frozen=True)
class DismissException(Command[None]):
    """Close without replay. Raises NotFound; Conflict (ALREADY_CLOSED); InvalidInput without a reason."""

    tenant_id: str
    item_id: UUID
    actor: Asker
    reason: str


@dataclass(frozen=True)
class LinkCustomer(Command[None]):
    """Set the ERP's customer for this item's account; the deal is replayed. Raises NotFound; Conflict (codes
    ALREADY_CLOSED, NO_CUSTOMER_ASKED); InvalidInput for a customer that the ERP does not have."""

    tenant_id: str
    item_id: UUID
    actor: Asker
    customer: str


@dataclass(frozen=True)
class ConfirmFindings(Command[None]):
    """Confirm those findings of an item that may be right; the deal is replayed. Raises NotFound; Conflict
    (codes ALREADY_CLOSED, NOTHING_TO_CONFIRM); Forbidden (OWN_OPPORTUNITY); InvalidInput without a reason."""

    tenant_id: str
    item_id: UUID
    actor: Asker
    reason: str


@dataclass(frozen=True)
class Compensate(Command[None]):
    """Give a parked deal up: what was created for it is closed, in reverse order, and the CRM gets the reason.
    Raises NotFound; Conflict (code NOT_COMPENSABLE); InvalidInput without a reason."""

    tenant_id: str
    opportunity_id: UUID
    actor: Asker
    reason: str


@dataclass(frozen=True)
class KeepDeadLetters(Command[None]):
    """Store dead letters of the broker, and raise an item on each deal that one of them is about. Repeating it
    stores none twice."""

    letters: Sequence[DeadLetter]
