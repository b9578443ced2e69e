"""Calls to outside systems, kept for the timeline of their opportunity until retention deletes them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, insert, text
from sqlalchemy.exc import SQLAlchemyError

from adapters.logs import log
from adapters.postgres.tables import vendor_calls as table
from oppsync.domain.calls import VendorCall

# Lost with the server in the last moment before it dies, and with nothing else: no work depends on them.
_WITHOUT_WAITING = text("set local synchronous_commit = off")
_INSERT = insert(table)


class PostgresCallLog:
    """Implements `adapters.traffic.call_log.KeepCalls`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, tenant_id: str, traceparent: str, calls: Sequence[VendorCall]) -> None:
        rows = [{"tenant_id": tenant_id, "traceparent": traceparent, **call.model_dump()} for call in calls]
        try:
            with self._engine.begin() as connection:
                connection.execute(_WITHOUT_WAITING)
                connection.execute(_INSERT, rows)
        except SQLAlchemyError as error:
            log.warning("vendor_calls_not_kept", count=len(rows), reason=type(error).__name__)
