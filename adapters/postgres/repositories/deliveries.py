"""Deliveries in the inbox."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from adapters.postgres.notices import Notices
from adapters.postgres.repositories.receiving import ACCEPT, RECEIVE, named_rows
from adapters.postgres.rows import pick
from adapters.postgres.selection import selected
from adapters.postgres.session import Session, bound
from adapters.postgres.tables import inbox, inbox_opportunities
from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.domain.work.intake import Delivery, ReceivedDeal, StoredDelivery
from oppsync.domain.work.replays import Selection
from oppsync.kernel.errors import NotFound

# Statements that run for every delivery and every step are built once: building one takes longer than running
# it.
_STORE = (
    insert(inbox)
    .on_conflict_do_nothing(index_elements=["tenant_id", "connection_id", "delivery_id"])
    .returning(inbox.c.id)
)


class PostgresDeliveries:
    def __init__(self, session: Session, notices: Notices) -> None:
        self._session = session
        self._notices = notices

    def add(self, delivery: Delivery) -> tuple[UUID, bool]:
        inserted: UUID | None = self._session.execute(_STORE, _row(delivery)).scalar_one_or_none()
        if inserted is not None:
            return inserted, True
        return self._known(delivery), False

    def accept(
        self, delivery: Delivery, named: Sequence[OpportunityRef], stage: str
    ) -> tuple[UUID, Sequence[ReceivedDeal] | None]:
        rows = self._execute(ACCEPT, _row(delivery), named, stage)
        return (rows[0].event_id, _deals(rows)) if rows else (self._known(delivery), None)

    def receive(
        self, delivery: Delivery, event_id: UUID, named: Sequence[OpportunityRef], stage: str
    ) -> Sequence[ReceivedDeal]:
        row = {"id": event_id, **delivery.model_dump(include={"tenant_id", "connection_id", "traceparent"})}
        return _deals(self._execute(RECEIVE, row, named, stage))

    def _execute(
        self, statement: Any, row: dict[str, Any], named: Sequence[OpportunityRef], stage: str
    ) -> Sequence[Any]:
        notice = bool(named) and self._notices.is_due()
        which = {"named": named_rows(named), "of_stage": stage, "with_notice": notice}
        return self._session.execute(statement, {**bound(row), **which}).all()

    def _known(self, delivery: Delivery) -> UUID:
        query = select(inbox.c.id).where(
            inbox.c.tenant_id == delivery.tenant_id,
            inbox.c.connection_id == delivery.connection_id,
            inbox.c.delivery_id == delivery.delivery_id,
        )
        known: UUID = self._session.execute(query).scalar_one()
        return known

    def get(self, tenant_id: str, delivery_id: UUID) -> StoredDelivery:
        query = select(inbox).where(inbox.c.tenant_id == tenant_id, inbox.c.id == delivery_id)
        row = self._session.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such delivery.")
        links = select(inbox_opportunities.c.opportunity_id).where(
            inbox_opportunities.c.tenant_id == tenant_id, inbox_opportunities.c.inbox_id == delivery_id
        )
        return StoredDelivery(
            **pick(row, StoredDelivery), opportunities=tuple(self._session.execute(links).scalars())
        )

    def matching(self, tenant_id: str, selection: Selection) -> Sequence[UUID]:
        since = inbox.c.received_at
        return selected(self._session, tenant_id, selection, inbox, since=since, referred_as="delivery_id")


def _row(delivery: Delivery) -> dict[str, Any]:
    return {"id": uuid7(), "body_sha256": hashlib.sha256(delivery.body).hexdigest(), **delivery.model_dump()}


def _deals(rows: Sequence[Any]) -> Sequence[ReceivedDeal]:
    """In the order of the records' ids. A delivery that names none has a row without a deal."""
    deals = [ReceivedDeal(row.source_id, row.id, row.is_new) for row in rows if row.id is not None]
    return sorted(deals)
