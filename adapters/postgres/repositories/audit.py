"""The audit trail."""

from __future__ import annotations

from uuid_utils.compat import uuid7

from adapters.postgres.session import Session
from oppsync.domain.work.events import Event


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
