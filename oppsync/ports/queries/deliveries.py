"""What pages and API read about deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from oppsync.domain.reading.readings import DeliveryStatus, PollStatus


class DeliveryQueries(Protocol):
    def delivery(self, tenant_id: str, event_id: UUID) -> DeliveryStatus:
        """Raises NotFound."""

    def polls(self, tenant_id: str) -> Sequence[PollStatus]:
        """How far each CRM connection that was polled has come, sorted by its id."""
