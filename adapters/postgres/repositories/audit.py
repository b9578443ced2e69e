"""The audit trail."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, bindparam, select
from uuid_utils.compat import uuid7

from adapters.postgres.session import Session
from adapters.postgres.tables import audit
from oppsync.domain.work.events import SHAPES_THE_PLAN, Event


class PostgresAudit:
    """Append only: this class has no update and no delete."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def append(self, tenant_id: str, event: Event, traceparent: str) -> None:
        row = {
            "tenant_id": tenant_id,
            "id": str(uuid7()),
            "opportunity_id": str(event.opportunity_id) if event.opportunity_id else None,
            "type": event.type,
            "actor": event.actor,
            "summary": event.summary,
            "before": event.before,
            "after": event.after,
            "detail": event.detail,
            # The trace id: the same from the webhook to the write-back.
            "correlation_id": traceparent.split("-")[1],
            "traceparent": traceparent,
        }
        self._session.add_audit(row)

    def shapers(self, tenant_id: str, opportunity_id: UUID) -> Collection[str]:
        return shapers_of(self._session, tenant_id, opportunity_id)


def shapers_of(connection: Connection | Session, tenant_id: str, opportunity_id: UUID) -> Collection[str]:
    which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id}
    return set(connection.execute(SHAPERS, which).scalars())


# Asked for whenever a decision is judged: built once.
SHAPERS = select(audit.c.actor).where(
    audit.c.tenant_id == bindparam("of_tenant"),
    audit.c.opportunity_id == bindparam("of_opportunity"),
    audit.c.type.in_(SHAPES_THE_PLAN),
)
