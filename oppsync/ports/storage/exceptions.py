"""Storage of exception items."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus, NewException


class Exceptions(Protocol):
    def raise_item(self, new: NewException) -> UUID:
        """Open an item, or count an occurrence on the open one of the same code and opportunity, delivery or
        poll."""

    def stands(self, tenant_id: str, opportunity_id: UUID, code: str) -> bool:
        """Whether an item of this code is open, or was dismissed by a person: replayed ones do not count."""

    def get(self, tenant_id: str, item_id: UUID) -> ExceptionItem:
        """Locked until the transaction ends. Raises NotFound."""

    def close(self, tenant_id: str, item_id: UUID, status: ExceptionStatus, by: str, reason: str) -> None: ...

    def close_for(
        self,
        tenant_id: str,
        opportunity_id: UUID,
        by: str,
        reason: str,
        status: ExceptionStatus = ExceptionStatus.REPLAYED,
    ) -> int:
        """Mark the open items of an opportunity replayed, or as `status` says. Returns how many."""

    def close_for_poll(self, tenant_id: str, connection_id: str, by: str, reason: str) -> int:
        """Mark the open item of a connection's poll replayed. Returns how many."""

    def close_for_delivery(self, tenant_id: str, delivery_id: UUID, by: str, reason: str) -> int:
        """Mark the open items of a delivery replayed. Returns how many."""
