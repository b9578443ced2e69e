"""Storage of reference data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow


class References(Protocol):
    def book(self, tenant_id: str) -> ReferenceBook:
        """Raises NewerRelease for a kind of row that this release does not know."""

    def of_kind(self, tenant_id: str, kind: ReferenceKind) -> Sequence[ReferenceRow]:
        """All rows of one kind, by key and first day."""

    def of_today(self, tenant_id: str, kind: ReferenceKind) -> Sequence[ReferenceRow]:
        """The rows of one kind that hold today, by the database's clock, in UTC."""

    def put(self, tenant_id: str, row: ReferenceRow) -> None:
        """Insert or replace the row of this kind, key and first day.
        Raises InvalidInput when it would overlap another."""

    def remove(self, tenant_id: str, row: ReferenceRow) -> None: ...
