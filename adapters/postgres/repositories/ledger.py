"""The effects ledger. Every write is fenced by the lease of the run that makes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, exists, func, literal, null, select, update
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.clock import clock
from adapters.postgres.repositories.opportunities import HELD_LEASE, lease_params
from adapters.postgres.rows import to_ledger_row
from adapters.postgres.session import RowsWrite, Session, rows_of
from adapters.postgres.tables import effects as table
from adapters.postgres.tables import opportunities
from oppsync.domain.effects.effects import Effect, EffectState, ExternalRecord, LedgerRow
from oppsync.domain.work.tracked import Lease
from oppsync.kernel import canonical_json
from oppsync.ports.storage.ledger import AsRead


class PostgresLedger:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, tenant_id: str, key: str) -> LedgerRow | None:
        row = self._session.execute(_GET, _which(tenant_id, key)).mappings().one_or_none()
        return to_ledger_row(row) if row else None

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[LedgerRow]:
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id}
        return [to_ledger_row(row) for row in self._session.execute(_OF, which).mappings()]

    def intend(self, tenant_id: str, effect: Effect, digest: str, lease: Lease, traceparent: str) -> None:
        self._fenced(_INTEND, lease, _on_record(tenant_id, effect, digest, traceparent))

    def mark_sent(
        self,
        tenant_id: str,
        effect: Effect,
        digest: str,
        lease: Lease,
        traceparent: str,
        *,
        as_read: AsRead | None = None,
    ) -> None:
        row = _on_record(tenant_id, effect, digest, traceparent)
        if as_read is None:
            self._fenced(_MARK_SENT, lease, row)
        else:
            read = {"version_read": as_read.version, "rereads_read": as_read.rereads}
            self._fenced(_MARK_AS_READ, lease, row, read)

    def confirm(self, tenant_id: str, key: str, external: ExternalRecord, lease: Lease) -> None:
        answer = {
            "outside_id": external.outside_id,
            "number": external.number,
            "url": external.url,
            "response": external.response,
            "response_digest": canonical_json.digest(external.response),
        }
        self._fenced(_CONFIRM, lease, {"tenant_id": tenant_id, "key": key, **answer})

    def unsent(self, tenant_id: str, key: str, error: str, lease: Lease) -> None:
        self._fenced(_UNSENT, lease, {"tenant_id": tenant_id, "key": key, "error": error})

    def reject(self, tenant_id: str, key: str, error: str, lease: Lease) -> None:
        self._fenced(_REJECT, lease, {"tenant_id": tenant_id, "key": key, "error": error})

    def unknown(self, tenant_id: str, key: str, error: str, lease: Lease) -> None:
        self._fenced(_UNKNOWN, lease, {"tenant_id": tenant_id, "key": key, "error": error})

    def restore(self, tenant_id: str, row: LedgerRow, error: str, lease: Lease) -> None:
        before = {"state": row.state.value, "request_digest": row.request_digest, "error": error}
        self._fenced(_RESTORE, lease, {"tenant_id": tenant_id, "key": row.key, **before})

    def cancelled(self, tenant_id: str, key: str, lease: Lease) -> None:
        self._fenced(_CANCELLED, lease, {"tenant_id": tenant_id, "key": key})

    def waits_until(self, tenant_id: str, key: str, quarantine: timedelta) -> datetime | None:
        until = table.c.sent_at + quarantine
        query = select(until).where(*_AT, until > clock())
        return self._session.execute(query, _which(tenant_id, key)).scalar_one_or_none()

    def _fenced(
        self, wanted: RowsWrite, lease: Lease, row: Mapping[str, Any], read: Mapping[str, Any] | None = None
    ) -> None:
        self._session.gather(wanted, row["key"], row, {**lease_params(lease), **(read or {})})


def _which(tenant_id: str, key: str) -> dict[str, Any]:
    """The parameters of `_AT`."""
    return {"of_tenant": tenant_id, "of_key": key}


_AT = (table.c.tenant_id == bindparam("of_tenant"), table.c.key == bindparam("of_key"))
_GET = select(table).where(*_AT)
_OF = (
    select(table)
    .where(table.c.tenant_id == bindparam("of_tenant"), table.c.opportunity_id == bindparam("of_opportunity"))
    .order_by(table.c.intended_at, table.c.key)
)
# Checked inside the write's own statement. It share-locks the opportunity's row, so nobody can take the lease
# before the commit.
_WHILE_HELD = exists(select(HELD_LEASE.cte("held").c.id))
_AS_READ = exists(
    select(
        HELD_LEASE.where(
            opportunities.c.version == bindparam("version_read"),
            opportunities.c.reread_requested == bindparam("rereads_read"),
        )
        .cte("held_as_read")
        .c.id
    )
)
_GIVEN = ("tenant_id", "key", "kind", "path", "opportunity_id", "connection_id", "request")
_KNOWN = ("request_digest", "traceparent")
_OF_THE_RUN = ("lease_token", *_KNOWN)
_TOKEN = bindparam("token_held", type_=table.c.lease_token.type)


def _on_record(tenant_id: str, effect: Effect, digest: str, traceparent: str) -> dict[str, Any]:
    """A row of `_recording`."""
    return {
        "tenant_id": tenant_id,
        "key": effect.key,
        "kind": effect.kind.value,
        "path": effect.path,
        "opportunity_id": str(effect.opportunity_id),
        "connection_id": effect.connection_id,
        "request": effect.request,
        "request_digest": digest,
        "traceparent": traceparent,
    }


def _rows(name: str, columns: Iterable[str]) -> Any:
    return rows_of(f"rows_{name}", [table.c[each] for each in columns])


def _recording(
    name: str,
    state: EffectState,
    first: Mapping[str, Any],
    again: Mapping[str, Any],
    fence: Any = _WHILE_HELD,
) -> RowsWrite:
    """Insert or update entries in this state. `first`: further values of a new entry; `again`: those of an
    existing one."""
    given = _rows(name, (*_GIVEN, *_KNOWN))
    new = {"state": literal(state.value), "lease_token": _TOKEN, **dict(given.c.items()), **first}
    rows = insert(table).from_select([*new], select(*new.values()).where(fence))
    written = rows.on_conflict_do_update(
        index_elements=["tenant_id", "key"],
        set_={
            # A deal that was given up and planned anew may go to another system.
            **{
                each: rows.excluded[each]
                for each in ("state", "request", "connection_id", "lease_token", *_KNOWN)
            },
            "pruned_at": null(),
            "updated_at": clock(),
            **again,
        },
    )
    return RowsWrite(name, written.returning(table.c.key))


def _setting(name: str, state: EffectState, *given: str, **values: Any) -> RowsWrite:
    return _changing(name, *given, state=state.value, **values)


def _changing(name: str, *given: str, **values: Any) -> RowsWrite:
    """Change existing entries: `given` are columns that each row has a value for."""
    rows = _rows(name, ("tenant_id", "key", *given))
    always = {"lease_token": _TOKEN, "updated_at": clock(), **{each: rows.c[each] for each in given}}
    same = (table.c.tenant_id == rows.c.tenant_id, table.c.key == rows.c.key)
    changed = update(table).where(*same, _WHILE_HELD).values(**always, **values)
    return RowsWrite(name, changed.returning(table.c.key))


_INTEND = _recording("intend", EffectState.INTENDED, {}, {})
_SENT_FIRST = {"sent_at": clock(), "attempts": literal(1)}
_SENT_AGAIN = {"sent_at": clock(), "attempts": table.c.attempts + 1, "error": null()}
_MARK_SENT = _recording("mark", EffectState.SENT, _SENT_FIRST, _SENT_AGAIN)
_MARK_AS_READ = _recording("mark_as_read", EffectState.SENT, _SENT_FIRST, _SENT_AGAIN, _AS_READ)
_ANSWER = ("outside_id", "number", "url", "response", "response_digest")
_CONFIRM = _setting("confirm", EffectState.CONFIRMED, *_ANSWER, confirmed_at=clock(), error=null())
_NO_ATTEMPT = func.greatest(table.c.attempts - 1, 0)
_UNSENT = _setting("unsent", EffectState.INTENDED, "error", attempts=_NO_ATTEMPT)
_REJECT = _setting("reject", EffectState.REJECTED, "error")
_UNKNOWN = _setting("unknown", EffectState.UNKNOWN, "error")
_RESTORE = _changing("restore", "state", "request_digest", "error")
_CANCELLED = _setting("cancelled", EffectState.CANCELLED)
