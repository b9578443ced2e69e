"""Storage of absences."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from oppsync.domain.approval.absences import Absence, Absences, NewAbsence


class AbsenceStore(Protocol):
    def all(self, tenant_id: str) -> Absences:
        """Past ones too, in the order in which they begin; as of now by the database's clock."""

    def add(self, tenant_id: str, absence: NewAbsence, made_by: str) -> Absence: ...

    def get(self, tenant_id: str, absence_id: UUID) -> Absence:
        """Raises NotFound."""

    def end(self, tenant_id: str, absence_id: UUID) -> None:
        """End it now; one that has not begun never begins."""
