"""What pages and API read about deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from oppsync.domain.reading.readings import DeliveryStatus, PollStatus, ReceivedDelivery


class DeliveryQueries(Protocol):
    def delivery(self, tenant_id: str, event_id: UUID) -> DeliveryStatus:
        """Raises NotFound."""

    def polls(self, tenant_id: str) -> Sequence[PollStatus]:
        """How far each CRM connection that is polled has come, sorted by its id."""

    def received(self, tenant_id: str, connection_id: str, *, limit: int = 20) -> Sequence[ReceivedDelivery]:
        """The last deliveries of a connection, newest first."""
