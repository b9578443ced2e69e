"""What pages and API read about exceptions."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from oppsync.domain.reading.exception_list import ExceptionFilter, ExceptionList, ExceptionSort
from oppsync.domain.reading.readings import Page
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus


class ExceptionQueries(Protocol):
    def exceptions(
        self,
        tenant_id: str,
        *,
        status: ExceptionStatus | None = ExceptionStatus.OPEN,
        code: str | None = None,
        opportunity_id: UUID | None = None,
        after: str | None = None,
        limit: int = 25,
    ) -> Page[ExceptionItem]: ...

    def exception(self, tenant_id: str, item_id: UUID) -> ExceptionItem:
        """Raises NotFound."""

    def exception_list(
        self, tenant_id: str, wanted: ExceptionFilter, sort: ExceptionSort, number: int = 1
    ) -> ExceptionList:
        """One page of the items that match, with the groups of all that match: three statements, however many
        there are."""
