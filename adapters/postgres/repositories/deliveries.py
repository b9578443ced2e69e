"""Deliveries in the inbox."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from adapters.postgres.rows import pick
from adapters.postgres.selection import selected
from adapters.postgres.session import Session
from adapters.postgres.tables import inbox, inbox_opportunities
from oppsync.domain.work.intake import Delivery, StoredDelivery
from oppsync.domain.work.replays import Selection
from oppsync.kernel.errors import NotFound

# Statements that run for every delivery and every step are built once: building one takes longer than running
# it.
_STORE = (
    insert(inbox)
    .on_conflict_do_nothing(index_elements=["tenant_id", "connection_id", "delivery_id"])
    .returning(inbox.c.id)
)

_LINK = insert(inbox_opportunities).on_conflict_do_nothing()


class PostgresDeliveries:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, delivery: Delivery) -> tuple[UUID, bool]:
        digest = hashlib.sha256(delivery.body).hexdigest()
        new = {"id": uuid7(), "body_sha256": digest, **delivery.model_dump()}
        inserted: UUID | None = self._session.execute(_STORE, new).scalar_one_or_none()
        if inserted is not None:
            return inserted, True
        query = select(inbox.c.id).where(
            inbox.c.tenant_id == delivery.tenant_id,
            inbox.c.connection_id == delivery.connection_id,
            inbox.c.delivery_id == delivery.delivery_id,
        )
        known: UUID = self._session.execute(query).scalar_one()
        return known, False

    def link(self, tenant_id: str, delivery_id: UUID, opportunity_id: UUID) -> None:
        link = {"tenant_id": tenant_id, "inbox_id": delivery_id, "opportunity_id": opportunity_id}
        self._session.execute(_LINK, link)

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
