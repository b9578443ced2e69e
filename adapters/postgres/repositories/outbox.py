"""The outbox."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from adapters.postgres.notices import CHANNEL, Notices
from adapters.postgres.session import Session
from adapters.postgres.tables import opportunities, outbox

_SEND = insert(outbox).values(
    connection_id=select(opportunities.c.connection_id)
    .where(
        opportunities.c.tenant_id == bindparam("of_tenant"), opportunities.c.id == bindparam("of_opportunity")
    )
    .scalar_subquery()
)
# Postgres makes one of equal notices of a transaction.
_SEND_WITH_NOTICE = _SEND.returning(func.pg_notify(CHANNEL, ""))


class PostgresOutbox:
    def __init__(self, session: Session, notices: Notices) -> None:
        self._session = session
        self._notices = notices

    def add(self, tenant_id: str, opportunity_id: UUID, stage: str, traceparent: str) -> None:
        row = {
            "tenant_id": tenant_id,
            "id": uuid7(),
            "opportunity_id": opportunity_id,
            "stage": stage,
            "traceparent": traceparent,
        }
        its_connection = {"of_tenant": tenant_id, "of_opportunity": opportunity_id}
        statement = _SEND_WITH_NOTICE if self._notices.is_due() else _SEND
        self._session.execute(statement, {**row, **its_connection})
