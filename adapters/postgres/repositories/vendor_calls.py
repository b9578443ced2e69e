"""Vendor calls, kept for the timeline of their opportunity until retention deletes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, func, insert, select, true
from sqlalchemy.exc import SQLAlchemyError

from adapters.postgres.engine import each_by_itself
from adapters.postgres.session import rows_of
from adapters.postgres.tables import vendor_calls as table
from adapters.runtime.logs import log
from oppsync.domain.reading.calls import VendorCall


def _keeping() -> Any:
    """Does not wait for the disk. The last calls are lost if the server dies, which is acceptable: no work
    depends on them."""
    without_waiting = select(func.set_config("synchronous_commit", "off", True)).cte("without_waiting")
    calls = rows_of("calls", table.columns)
    return insert(table).from_select(
        [found.name for found in table.columns],
        select(*calls.c).select_from(calls.join(without_waiting, true())),
    )


_KEEP = _keeping()


class PostgresCallLog:
    """Implements `adapters.connectors.traffic.call_log.KeepCalls`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = each_by_itself(engine)

    def __call__(self, tenant_id: str, traceparent: str, calls: Sequence[VendorCall]) -> None:
        whose = {"tenant_id": tenant_id, "traceparent": traceparent}
        rows = [{**whose, **call.model_dump(mode="json")} for call in calls]
        try:
            with self._engine.connect() as connection:
                connection.execute(_KEEP, {"calls": rows})
        except SQLAlchemyError as error:
            log.warning("vendor_calls_not_kept", count=len(rows), reason=type(error).__name__)
