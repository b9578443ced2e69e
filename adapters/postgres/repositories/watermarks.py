"""How far each CRM connection is polled. Leases and due times are measured by the database's clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import exists, func, null, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.clock import clock
from adapters.postgres.rows import pick
from adapters.postgres.session import Session
from adapters.postgres.tables import connections
from adapters.postgres.tables import crm_watermarks as table
from oppsync.domain.work.connections import ConnectionRole
from oppsync.domain.work.polling import Watermark

# Longer than a CRM takes for one page. A relay that died delays its poll by as much.
LEASE = timedelta(minutes=1)
KEY = (table.c.tenant_id, table.c.connection_id)


class PostgresWatermarks:
    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, holder: str) -> Watermark | None:
        self._add_missing()
        free = or_(table.c.lease_until.is_(None), table.c.lease_until < clock())
        is_polled = exists().where(
            connections.c.tenant_id == KEY[0],
            connections.c.id == KEY[1],
            connections.c.paused_at.is_(None),
            connections.c.removed_at.is_(None),
        )
        first = (
            select(*KEY)
            .where(table.c.due_at <= clock(), free, is_polled)
            .order_by(table.c.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(table)
            .where(tuple_(*KEY).in_(first))
            .values(lease_token=table.c.lease_token + 1, lease_until=clock() + LEASE, lease_holder=holder)
            .returning(table)
        )
        row = self._session.execute(statement).mappings().one_or_none()
        return None if row is None else Watermark(**pick(row, Watermark), token=row["lease_token"])

    def count(self, watermark: Watermark, deals: int, changes: int, latest: timedelta) -> bool:
        late = max(0, round(latest.total_seconds()))
        return self._set(
            watermark,
            deals=table.c.deals + deals,
            changes=table.c.changes + changes,
            last_late_seconds=late,
            most_late_seconds=func.greatest(table.c.most_late_seconds, late),
        )

    def move(self, watermark: Watermark, after: timedelta) -> bool:
        through = watermark.page_from is None
        return self._set(
            watermark,
            covered_until=watermark.covered_until,
            covers=watermark.covers,
            page_from=watermark.page_from,
            page_after=watermark.page_after,
            deletions_until=watermark.deletions_until,
            polled_at=clock() if through else table.c.polled_at,
            tries=0,
            error=null(),
            **_given_back(after),
        )

    def due_now(self, tenant_id: str, connection_id: str) -> None:
        which = (table.c.tenant_id == tenant_id, table.c.connection_id == connection_id)
        self._session.execute(update(table).where(*which).values(due_at=clock(), tries=0, error=null()))

    def postpone(self, watermark: Watermark, after: timedelta, error: str | None) -> bool:
        failed = {} if error is None else {"tries": table.c.tries + 1, "error": error}
        return self._set(watermark, **failed, **_given_back(after))

    def _set(self, watermark: Watermark, **values: Any) -> bool:
        held = (
            table.c.tenant_id == watermark.tenant_id,
            table.c.connection_id == watermark.connection_id,
            table.c.lease_token == watermark.token,
        )
        return self._session.execute(update(table).where(*held).values(**values)).rowcount == 1

    def _add_missing(self) -> None:
        """Add a row, due at once, for each CRM that has been connected since."""
        has_watermark = exists().where(KEY[0] == connections.c.tenant_id, KEY[1] == connections.c.id)
        new = select(connections.c.tenant_id, connections.c.id).where(
            connections.c.role == ConnectionRole.CRM, connections.c.removed_at.is_(None), ~has_watermark
        )
        self._session.execute(
            insert(table).from_select(["tenant_id", "connection_id"], new).on_conflict_do_nothing()
        )


def _given_back(after: timedelta) -> dict[str, Any]:
    return {"due_at": clock() + after, "lease_until": null(), "lease_holder": null()}
