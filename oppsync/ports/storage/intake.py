"""Storage of deliveries, and of how far each CRM is polled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.domain.work.intake import Delivery, ReceivedDeal, StoredDelivery
from oppsync.domain.work.polling import Watermark
from oppsync.domain.work.replays import Selection


class Watermarks(Protocol):
    """One for each CRM connection, with its due time and its lease by the database's clock. Each writing call
    is fenced by the lease's token: it writes nothing and returns False when another process holds the lease by
    now."""

    def take(self, holder: str) -> Watermark | None:
        """Lease the one that is due first; None when none is due."""

    def count(self, watermark: Watermark, deals: int, changes: int, latest: timedelta) -> bool:
        """Add what a poll found that no webhook had reported: deals, changes of
        known deals, and how late the latest came."""

    def move(self, watermark: Watermark, after: timedelta) -> bool:
        """Store the position of `watermark`; it is due again after `after`, and the lease is given back."""

    def due_now(self, tenant_id: str, connection_id: str) -> None:
        """Make the poll due now, and forget earlier failures."""

    def postpone(self, watermark: Watermark, after: timedelta, error: str | None) -> bool:
        """Keep the position; it is due again after `after`, and the lease is given back. An `error` counts as
        a failed try."""


class Deliveries(Protocol):
    def add(self, delivery: Delivery) -> tuple[UUID, bool]:
        """Insert, or find the one with the same connection and delivery id. Returns id and whether new."""

    def accept(
        self, delivery: Delivery, named: Sequence[OpportunityRef], stage: str
    ) -> tuple[UUID, Sequence[ReceivedDeal] | None]:
        """Insert a delivery and all that it brings: each record's deal in `received`, or a request to read a
        known one again, and a message of `stage` for each. `named` has each record once, ordered by id. Returns
        the id, and the deals in that order; None for a known delivery, which brings nothing."""

    def receive(
        self, delivery: Delivery, event_id: UUID, named: Sequence[OpportunityRef], stage: str
    ) -> Sequence[ReceivedDeal]:
        """The same for a delivery that is stored already."""

    def get(self, tenant_id: str, delivery_id: UUID) -> StoredDelivery:
        """Raises NotFound."""

    def matching(self, tenant_id: str, selection: Selection) -> Sequence[UUID]:
        """Ids of a selection, oldest first, one more than its limit when there are more."""
