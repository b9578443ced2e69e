"""Commands after a restored backup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from oppsync.domain.values.actor import Asker
from oppsync.kernel.bus import Command


@dataclass(frozen=True)
class ReconcileRestore(Command[Sequence[UUID]]):
    """After a restored backup: raise APPROVAL_LOST for deals whose projects exist without a ledger entry, or
    LOST_AFTER_APPROVAL where the deal is withdrawn here. Returns the ids of these deals.

    Raises Forbidden, and what the ERP's adapter raises; may be repeated.
    """

    tenant_id: str
    actor: Asker
