"""Dead letters of the broker."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.session import Session
from adapters.postgres.tables import dead_messages, opportunities
from oppsync.domain.work.dead_letters import DeadLetter, DeadLetterOwner


class PostgresDeadLetters:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, letter: DeadLetter) -> DeadLetterOwner | None:
        query = select(opportunities.c.tenant_id, opportunities.c.traceparent)
        deal = query.where(opportunities.c.id == letter.opportunity_id)
        row = self._session.execute(deal).one_or_none()
        new = insert(dead_messages).values(tenant_id=row.tenant_id if row else "", **dict(letter))
        self._session.execute(new.on_conflict_do_nothing())
        if row is None or letter.opportunity_id is None:
            return None
        return DeadLetterOwner(
            tenant_id=row.tenant_id, opportunity_id=letter.opportunity_id, traceparent=row.traceparent
        )
