"""Counted attempts to come in."""

from __future__ import annotations

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.clock import clock
from adapters.postgres.session import Session
from adapters.postgres.tables import attempts
from oppsync.domain.work.attempts import LONGEST_SUBJECT, AttemptKind

_LONGEST_ADDRESS = 100


class PostgresAttempts:
    def __init__(self, session: Session) -> None:
        self._session = session

    def count(self, tenant_id: str, kind: AttemptKind, subject: str, address: str) -> None:
        statement = insert(attempts).values(
            tenant_id=tenant_id,
            kind=kind,
            subject=subject[:LONGEST_SUBJECT],
            hour=func.date_trunc("hour", clock(), "UTC"),
            last_at=clock(),
            last_address=address[:_LONGEST_ADDRESS],
        )
        one_more = {
            "count": attempts.c.count + 1,
            "last_at": clock(),
            "last_address": statement.excluded.last_address,
        }
        key = ["tenant_id", "kind", "subject", "hour"]
        self._session.execute(statement.on_conflict_do_update(index_elements=key, set_=one_more))
