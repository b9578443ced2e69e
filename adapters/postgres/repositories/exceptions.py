"""Exception items."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from adapters.postgres.repositories.opportunities import clock
from adapters.postgres.rows import to_exception
from adapters.postgres.session import Session
from adapters.postgres.tables import (
    exception_items,
)
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus, NewException, poll_reference
from oppsync.kernel.errors import NotFound


class PostgresExceptions:
    def __init__(self, session: Session) -> None:
        self._session = session

    def raise_item(self, new: NewException) -> UUID:
        fields = new.model_dump(mode="json", exclude={"opportunity_id", "delivery_id"})
        same = select(exception_items.c.id).where(
            exception_items.c.tenant_id == new.tenant_id,
            exception_items.c.opportunity_id == new.opportunity_id,
            exception_items.c.delivery_id == new.delivery_id,
            exception_items.c.code == new.code,
            exception_items.c.status == ExceptionStatus.OPEN,
        )
        if new.opportunity_id is None and new.delivery_id is None:
            same = same.where(exception_items.c.payload_reference == new.payload_reference)
        known: UUID | None = self._session.execute(same).scalar_one_or_none()
        if known is not None:
            again = {**fields, "last_seen": clock(), "occurrences": exception_items.c.occurrences + 1}
            self._session.execute(update(exception_items).where(*_item(new.tenant_id, known)).values(**again))
            return known
        item_id: UUID = uuid7()
        statement = insert(exception_items).values(
            id=item_id,
            status=ExceptionStatus.OPEN,
            opportunity_id=new.opportunity_id,
            delivery_id=new.delivery_id,
            **fields,
        )
        self._session.execute(statement)
        return item_id

    def stands(self, tenant_id: str, opportunity_id: UUID, code: str) -> bool:
        query = select(exception_items.c.id).where(
            exception_items.c.tenant_id == tenant_id,
            exception_items.c.opportunity_id == opportunity_id,
            exception_items.c.code == code,
            exception_items.c.status.in_((ExceptionStatus.OPEN, ExceptionStatus.DISMISSED)),
        )
        return self._session.execute(query.limit(1)).one_or_none() is not None

    def get(self, tenant_id: str, item_id: UUID) -> ExceptionItem:
        query = select(exception_items).where(*_item(tenant_id, item_id)).with_for_update()
        row = self._session.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such exception.")
        return to_exception(row)

    def close(self, tenant_id: str, item_id: UUID, status: ExceptionStatus, by: str, reason: str) -> None:
        statement = update(exception_items).where(*_item(tenant_id, item_id))
        self._session.execute(_closed(statement, status, by, reason))

    def close_for(
        self,
        tenant_id: str,
        opportunity_id: UUID,
        by: str,
        reason: str,
        status: ExceptionStatus = ExceptionStatus.REPLAYED,
    ) -> int:
        statement = update(exception_items).where(
            exception_items.c.tenant_id == tenant_id,
            exception_items.c.opportunity_id == opportunity_id,
            exception_items.c.status == ExceptionStatus.OPEN,
        )
        return self._session.execute(_closed(statement, status, by, reason)).rowcount

    def close_for_poll(self, tenant_id: str, connection_id: str, by: str, reason: str) -> int:
        statement = update(exception_items).where(
            exception_items.c.tenant_id == tenant_id,
            exception_items.c.payload_reference == poll_reference(connection_id),
            exception_items.c.status == ExceptionStatus.OPEN,
        )
        return self._session.execute(_closed(statement, ExceptionStatus.REPLAYED, by, reason)).rowcount

    def close_for_delivery(self, tenant_id: str, delivery_id: UUID, by: str, reason: str) -> int:
        statement = update(exception_items).where(
            exception_items.c.tenant_id == tenant_id,
            exception_items.c.delivery_id == delivery_id,
            exception_items.c.status == ExceptionStatus.OPEN,
        )
        return self._session.execute(_closed(statement, ExceptionStatus.REPLAYED, by, reason)).rowcount


def _item(tenant_id: str, item_id: UUID) -> tuple[Any, ...]:
    return exception_items.c.tenant_id == tenant_id, exception_items.c.id == item_id


def _closed(statement: Any, status: ExceptionStatus, by: str, reason: str) -> Any:
    return statement.values(status=status, closed_by=by, closed_at=clock(), reason=reason)
