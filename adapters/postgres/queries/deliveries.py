"""Read deliveries for pages, API and command line."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import exists, func, select

from adapters.postgres.queries.base import SUMMARY, Reading, one, summaries, to_summary
from adapters.postgres.rows import pick
from adapters.postgres.tables import (
    connections,
    crm_watermarks,
    exception_items,
    inbox,
    inbox_opportunities,
    opportunities,
)
from oppsync.domain.reading.readings import DeliveryStatus, PollStatus, ReceivedDelivery


class PostgresDeliveryQueries(Reading):
    """Implements `oppsync.ports.queries.deliveries.DeliveryQueries`."""

    def delivery(self, tenant_id: str, event_id: UUID) -> DeliveryStatus:
        query = select(inbox).where(inbox.c.tenant_id == tenant_id, inbox.c.id == event_id)
        opportunities_of_it = (
            summaries(SUMMARY, inbox_opportunities, inbox_opportunities.c.opportunity_id == opportunities.c.id)
            .where(inbox_opportunities.c.tenant_id == tenant_id, inbox_opportunities.c.inbox_id == event_id)
            .order_by(opportunities.c.id)
        )
        problem = (
            select(exception_items)
            .where(exception_items.c.tenant_id == tenant_id, exception_items.c.delivery_id == event_id)
            .order_by(exception_items.c.id.desc())
            .limit(1)
        )
        with self.reading() as connection:
            row = one(connection, query, "delivery")
            named = tuple(to_summary(found) for found in connection.execute(opportunities_of_it).mappings())
            item = connection.execute(problem).mappings().one_or_none()
        return DeliveryStatus(
            event_id=row["id"],
            delivery_id=row["delivery_id"],
            connection_id=row["connection_id"],
            received_at=row["received_at"],
            source=row["source"],
            late_seconds=row["late_seconds"],
            opportunities=named,
            exception_id=item["id"] if item else None,
            problem=item["message"] if item else None,
        )

    def polls(self, tenant_id: str) -> Sequence[PollStatus]:
        is_connected = exists().where(
            connections.c.tenant_id == crm_watermarks.c.tenant_id,
            connections.c.id == crm_watermarks.c.connection_id,
            connections.c.paused_at.is_(None),
            connections.c.removed_at.is_(None),
        )
        query = select(crm_watermarks).where(crm_watermarks.c.tenant_id == tenant_id, is_connected)
        with self.reading() as connection:
            rows = connection.execute(query.order_by(crm_watermarks.c.connection_id)).mappings()
            return [PollStatus.model_validate(pick(row, PollStatus)) for row in rows]

    def received(self, tenant_id: str, connection_id: str, *, limit: int = 20) -> Sequence[ReceivedDelivery]:
        named = (
            select(func.count())
            .where(
                inbox_opportunities.c.tenant_id == inbox.c.tenant_id,
                inbox_opportunities.c.inbox_id == inbox.c.id,
            )
            .scalar_subquery()
            .label("records")
        )
        query = (
            select(
                inbox.c.id.label("event_id"), inbox.c.delivery_id, inbox.c.received_at, inbox.c.source, named
            )
            .where(inbox.c.tenant_id == tenant_id, inbox.c.connection_id == connection_id)
            .order_by(inbox.c.received_at.desc())
            .limit(limit)
        )
        with self.reading() as connection:
            return [ReceivedDelivery.model_validate(dict(row)) for row in connection.execute(query).mappings()]
