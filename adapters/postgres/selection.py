"""Find the deals or deliveries that a selection for a replay selects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Table, exists, func, select

from adapters.postgres.session import Session
from adapters.postgres.tables import exception_items
from oppsync.domain.work.exceptions import ExceptionStatus
from oppsync.domain.work.replays import Selection


def selected(
    session: Session,
    tenant_id: str,
    selection: Selection,
    table: Table,
    *also: Any,
    since: Any,
    referred_as: str,
) -> Sequence[UUID]:
    """Ids, oldest first, one more than the limit when there are more. `since` is the column to compare times
    with, `referred_as` the column of exception items that refers to these rows."""
    query = select(table.c.id).where(table.c.tenant_id == tenant_id, *also)
    if selection.ids:
        query = query.where(table.c.id.in_(selection.ids))
    if selection.connection_id is not None:
        query = query.where(table.c.connection_id == selection.connection_id)
    if selection.older_than is not None:
        query = query.where(since < func.clock_timestamp() - selection.older_than)
    if selection.since is not None:
        query = query.where(since >= selection.since)
    if selection.until is not None:
        query = query.where(since < selection.until)
    if selection.reason is not None:
        stopped = exists().where(
            exception_items.c.tenant_id == table.c.tenant_id,
            exception_items.c[referred_as] == table.c.id,
            exception_items.c.status == ExceptionStatus.OPEN,
            exception_items.c.code == selection.reason,
        )
        query = query.where(stopped)
    return session.execute(query.order_by(table.c.id).limit(selection.limit + 1)).scalars().all()
