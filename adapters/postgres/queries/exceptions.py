"""Read exceptions for pages, API and command line."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from adapters.postgres.queries.base import Reading, one, page
from adapters.postgres.queries.exception_list import DEAL, OF_THE_DEAL, read_list
from adapters.postgres.rows import to_exception
from adapters.postgres.tables import exception_items, opportunities
from oppsync.domain.reading.exception_list import ExceptionFilter, ExceptionList, ExceptionSort
from oppsync.domain.reading.readings import Page
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus


class PostgresExceptionQueries(Reading):
    """Implements `oppsync.ports.queries.exceptions.ExceptionQueries`."""

    def exceptions(
        self,
        tenant_id: str,
        *,
        status: ExceptionStatus | None = ExceptionStatus.OPEN,
        code: str | None = None,
        opportunity_id: UUID | None = None,
        after: str | None = None,
        limit: int = 25,
    ) -> Page[ExceptionItem]:
        query = _items().where(exception_items.c.tenant_id == tenant_id)
        if status is not None:
            query = query.where(exception_items.c.status == status)
        if code is not None:
            query = query.where(exception_items.c.code == code)
        if opportunity_id is not None:
            query = query.where(exception_items.c.opportunity_id == opportunity_id)
        with self.reading() as connection:
            return page(connection, query, exception_items.c.id, to_exception, after=after, limit=limit)

    def exception(self, tenant_id: str, item_id: UUID) -> ExceptionItem:
        query = _items().where(exception_items.c.tenant_id == tenant_id, exception_items.c.id == item_id)
        with self.reading() as connection:
            return to_exception(one(connection, query, "exception"))

    def exception_list(
        self, tenant_id: str, wanted: ExceptionFilter, sort: ExceptionSort, number: int = 1
    ) -> ExceptionList:
        with self.reading() as connection:
            return read_list(connection, tenant_id, wanted, sort, number)


def _items() -> Select[Any]:
    """Items with the name, customer and amount of the deal they are about."""
    return select(exception_items, *DEAL).select_from(exception_items.outerjoin(opportunities, OF_THE_DEAL))
