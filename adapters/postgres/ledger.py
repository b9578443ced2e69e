"""The effects ledger. Every write is fenced by the lease of the run that makes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Executable, case, exists, literal, null, select, update
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.opportunities import clock, held_lease
from adapters.postgres.rows import to_ledger_row
from adapters.postgres.tables import effects as table
from oppsync import canonical_json
from oppsync.domain.effects import Effect, EffectState, Landed, LedgerRow
from oppsync.domain.tracked import Lease
from oppsync.errors import LeaseLost


class PostgresLedger:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, tenant_id: str, key: str) -> LedgerRow | None:
        row = self._connection.execute(select(table).where(*_at(tenant_id, key))).mappings().one_or_none()
        return to_ledger_row(row) if row else None

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[LedgerRow]:
        query = (
            select(table)
            .where(table.c.tenant_id == tenant_id, table.c.opportunity_id == opportunity_id)
            .order_by(table.c.intended_at, table.c.key)
        )
        return [to_ledger_row(row) for row in self._connection.execute(query).mappings()]

    def intend(self, tenant_id: str, effect: Effect, digest: str, lease: Lease, traceparent: str) -> None:
        values = {
            "tenant_id": tenant_id,
            "key": effect.key,
            "kind": effect.kind.value,
            "path": effect.path,
            "opportunity_id": effect.opportunity_id,
            "connection_id": effect.connection_id,
            "state": EffectState.INTENDED.value,
            "request": effect.request,
            "request_digest": digest,
            "lease_token": lease.token,
            "traceparent": traceparent,
        }
        again = {name: values[name] for name in ("request", "request_digest", "lease_token", "traceparent")}
        # Sent before with no clear answer: it may exist until a look-up says that it does not.
        unclear = table.c.state.in_([EffectState.SENT.value, EffectState.UNKNOWN.value])
        state = case((unclear, table.c.state), else_=EffectState.INTENDED.value)
        row = select(*(literal(value, table.c[name].type) for name, value in values.items()))
        statement = insert(table).from_select(list(values), row.where(_while_held(lease)))
        statement = statement.on_conflict_do_update(
            index_elements=["tenant_id", "key"],
            set_={**again, "state": state, "pruned_at": null(), "updated_at": clock()},
        )
        self._fenced(statement.returning(table.c.key))

    def mark_sent(self, tenant_id: str, key: str, lease: Lease) -> None:
        self._set(
            tenant_id,
            key,
            lease,
            state=EffectState.SENT.value,
            sent_at=clock(),
            attempts=table.c.attempts + 1,
            error=null(),
        )

    def confirm(self, tenant_id: str, key: str, landed: Landed, lease: Lease) -> None:
        self._set(
            tenant_id,
            key,
            lease,
            state=EffectState.CONFIRMED.value,
            confirmed_at=clock(),
            outside_id=landed.outside_id,
            number=landed.number,
            url=landed.url,
            response=landed.response,
            response_digest=canonical_json.digest(landed.response),
            error=null(),
        )

    def unsent(self, tenant_id: str, key: str, error: str, lease: Lease) -> None:
        self._set(tenant_id, key, lease, state=EffectState.INTENDED.value, error=error)

    def reject(self, tenant_id: str, key: str, error: str, lease: Lease) -> None:
        self._set(tenant_id, key, lease, state=EffectState.REJECTED.value, error=error)

    def unknown(self, tenant_id: str, key: str, error: str, lease: Lease) -> None:
        self._set(tenant_id, key, lease, state=EffectState.UNKNOWN.value, error=error)

    def cancelled(self, tenant_id: str, key: str, lease: Lease) -> None:
        self._set(tenant_id, key, lease, state=EffectState.CANCELLED.value)

    def waits_until(self, tenant_id: str, key: str, quarantine: timedelta) -> datetime | None:
        until = table.c.sent_at + quarantine
        query = select(until).where(*_at(tenant_id, key), until > clock())
        return self._connection.execute(query).scalar_one_or_none()

    def _set(self, tenant_id: str, key: str, lease: Lease, **values: Any) -> None:
        statement = update(table).where(*_at(tenant_id, key), _while_held(lease))
        changed = statement.values(**values, lease_token=lease.token, updated_at=clock())
        self._fenced(changed.returning(table.c.key))

    def _fenced(self, statement: Executable) -> None:
        if self._connection.execute(statement).one_or_none() is None:
            raise LeaseLost("Another worker holds this opportunity.")


def _while_held(lease: Lease) -> ColumnElement[bool]:
    """Checked in the write's own statement: nobody can take the lease between that and the commit, since the
    opportunity's row stays share-locked."""
    held = held_lease(lease).cte("held")
    return exists(select(held.c.id))


def _at(tenant_id: str, key: str) -> tuple[ColumnElement[bool], ...]:
    return table.c.tenant_id == tenant_id, table.c.key == key
