"""Storage of exception items."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus, NewException
from oppsync.domain.work.states import State


class Exceptions(Protocol):
    def raise_item(self, new: NewException) -> UUID:
        """Open an item, or count an occurrence on the open one of the same subject and code, also when two
        processes raise it at once. Returns its id."""

    def last(self, new: NewException) -> ExceptionItem | None:
        """The item of the same subject and code that was seen last, open or closed. Locked until the end of the
        transaction."""

    def went_on(self, item: ExceptionItem, states: Collection[State]) -> bool:
        """Whether the deal of a closed item has gone on from one of these states since it was closed."""

    def reopen(self, item_id: UUID, new: NewException) -> None:
        """Open a closed item again, with what `new` says and one more occurrence."""

    def reported(self, tenant_id: str, opportunity_id: UUID) -> Sequence[ExceptionItem]:
        """A deal's items that are open or that a person dismissed: replayed ones do not count."""

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
        *,
        codes: Collection[str] | None = None,
        but: Collection[str] = (),
    ) -> int:
        """Close the open items of a subject: the id of a deal or of a delivery, or a `poll_reference`. Those of
        these `codes`, or all, but none of the codes `but`. Returns how many."""
