"""Claims to create a customer. They run out by the database's clock."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, or_
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.clock import clock
from adapters.postgres.session import Session
from adapters.postgres.tables import customer_claims as table


class PostgresCustomerClaims:
    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, tenant_id: str, connection_id: str, opportunity_id: UUID, hold: timedelta) -> bool:
        claim = insert(table).values(
            tenant_id=tenant_id,
            connection_id=connection_id,
            opportunity_id=opportunity_id,
            until=clock() + hold,
        )
        mine = table.c.opportunity_id == claim.excluded.opportunity_id
        taken = claim.on_conflict_do_update(
            index_elements=["tenant_id", "connection_id"],
            set_={"opportunity_id": claim.excluded.opportunity_id, "until": claim.excluded.until},
            where=or_(mine, table.c.until < clock()),
        )
        return self._session.execute(taken.returning(table.c.until)).one_or_none() is not None

    def release(self, tenant_id: str, connection_id: str, opportunity_id: UUID) -> None:
        self._session.execute(
            delete(table).where(
                table.c.tenant_id == tenant_id,
                table.c.connection_id == connection_id,
                table.c.opportunity_id == opportunity_id,
            )
        )
