"""Storage of exception items."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus, NewException


class Exceptions(Protocol):
    def raise_item(self, new: NewException) -> UUID:
        """Open an item, or count an occurrence on the open one of the same subject and code, also when two
        processes raise it at once. Returns its id."""

    def already_reported(self, tenant_id: str, opportunity_id: UUID, code: str) -> bool:
        """Whether an item of this code is open, or was dismissed by a person: replayed ones do not count."""

    def get(self, tenant_id: str, item_id: UUID) -> ExceptionItem:
        """Locked until the transaction ends. Raises NotFound."""

    def close(self, tenant_id: str, item_id: UUID, status: ExceptionStatus, by: str, reason: str) -> None: ...

    def close_open(
        self,
        tenant_id: str,
        subject: UUID | str,
        by: str,
        reason: str,
        status: ExceptionStatus = ExceptionStatus.REPLAYED,
    ) -> int:
        """Close all open items of a subject: the id of a deal or of a delivery, or a `poll_reference`. Returns
        how many."""
