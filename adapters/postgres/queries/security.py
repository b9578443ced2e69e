"""Read who changed what, and who tried to come in."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from adapters.postgres.queries.base import Reading, page
from adapters.postgres.rows import pick
from adapters.postgres.tables import attempts, audit
from oppsync.domain.reading.readings import Page, TimelineEntry
from oppsync.domain.work.attempts import AttemptCount, AttemptKind

_HOURS_SHOWN = 10


class PostgresSecurityQueries(Reading):
    """Implements `oppsync.ports.queries.security.SecurityQueries`."""

    def changes(self, tenant_id: str, *, after: str | None = None, limit: int = 25) -> Page[TimelineEntry]:
        query = select(audit).where(audit.c.tenant_id == tenant_id, audit.c.opportunity_id.is_(None))
        with self.reading() as connection:
            return page(
                connection,
                query,
                audit.c.id,
                lambda row: TimelineEntry.model_validate(pick(row, TimelineEntry)),
                after=after,
                limit=limit,
            )

    def refused_signatures(self, tenant_id: str, connection_id: str) -> Sequence[AttemptCount]:
        query = (
            select(attempts)
            .where(
                attempts.c.tenant_id == tenant_id,
                attempts.c.kind == AttemptKind.SIGNATURE_REFUSED,
                attempts.c.subject == connection_id,
            )
            .order_by(attempts.c.hour.desc())
            .limit(_HOURS_SHOWN)
        )
        with self.reading() as connection:
            rows = connection.execute(query).mappings()
            return [AttemptCount.model_validate(pick(row, AttemptCount)) for row in rows]

    def attempts(self, tenant_id: str, *, limit: int = 100) -> Sequence[AttemptCount]:
        query = (
            select(attempts)
            .where(attempts.c.tenant_id == tenant_id)
            .order_by(attempts.c.last_at.desc(), attempts.c.kind, attempts.c.subject)
            .limit(limit)
        )
        with self.reading() as connection:
            rows = connection.execute(query).mappings()
            return [AttemptCount.model_validate(pick(row, AttemptCount)) for row in rows]
