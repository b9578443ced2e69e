"""The outbox."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from adapters.postgres.session import Session
from adapters.postgres.tables import opportunities, outbox

_SEND = insert(outbox).values(
    connection_id=select(opportunities.c.connection_id)
    .where(
        opportunities.c.tenant_id == bindparam("of_tenant"), opportunities.c.id == bindparam("of_opportunity")
    )
    .scalar_subquery()
)


class PostgresOutbox:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, tenant_id: str, opportunity_id: UUID, stage: str, traceparent: str) -> None:
        row = {
            "tenant_id": tenant_id,
            "id": uuid7(),
            "opportunity_id": opportunity_id,
            "stage": stage,
            "traceparent": traceparent,
        }
        its_connection = {"of_tenant": tenant_id, "of_opportunity": opportunity_id}
        self._session.execute(_SEND, {**row, **its_connection})
