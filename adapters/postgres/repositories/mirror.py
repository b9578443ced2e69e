"""The mirror of an ERP's master data, and the reading of it. Leases and ages are measured by the database's
clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, delete, exists, func, literal, null, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from uuid_utils.compat import uuid7

from adapters.postgres.clock import clock
from adapters.postgres.repositories.mirror_rows import MirrorRows, Whose
from adapters.postgres.rows import pick
from adapters.postgres.session import Session
from adapters.postgres.tables import connections, mirror_runs, mirrored_rows
from adapters.postgres.tables import mirrors as table
from oppsync.domain.master_data.rows import Customer, MasterKey, MasterKind, MasterRow
from oppsync.domain.values.model import changed
from oppsync.domain.work.connections import ConnectionRole
from oppsync.domain.work.mirror import (
    MOST_KEPT,
    GoneRow,
    KindCount,
    KindState,
    MirrorDifference,
    MirrorLease,
    MirrorRun,
    MirrorState,
    Stored,
    added_up,
)
from oppsync.kernel.errors import NotFound
from oppsync.ports.master_data import Known

# Longer than an ERP takes for one page. A relay that died delays its reading by as much.
LEASE = timedelta(minutes=1)
# A day's, at the usual pace.
RUNS_KEPT = 100
_CONNECTION = (table.c.tenant_id, table.c.connection_id)


class PostgresMirror:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._rows = MirrorRows(session)

    def take(self, holder: str, connection_id: str | None = None) -> MirrorLease | None:
        self._add_missing()
        free = or_(table.c.lease_until.is_(None), table.c.lease_until < clock())
        is_read = exists().where(
            connections.c.tenant_id == _CONNECTION[0],
            connections.c.id == _CONNECTION[1],
            connections.c.paused_at.is_(None),
            connections.c.removed_at.is_(None),
        )
        wanted = table.c.due_at <= clock() if connection_id is None else table.c.connection_id == connection_id
        first = (
            select(*_CONNECTION)
            .where(wanted, free, is_read)
            .order_by(table.c.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(table)
            .where(tuple_(*_CONNECTION).in_(first))
            .values(lease_token=table.c.lease_token + 1, lease_until=clock() + LEASE, lease_holder=holder)
            .returning(table)
        )
        row = self._session.execute(statement).mappings().one_or_none()
        return None if row is None else MirrorLease(**pick(row, MirrorLease), token=row["lease_token"])

    def begin(self, lease: MirrorLease, kinds: Sequence[MasterKind]) -> MirrorLease | None:
        run_id = uuid7()
        begun = {"run_id": run_id, "kinds": list(kinds), "after": null(), "kind_since": clock()}
        # Who asked since the lease was taken is heard after this run.
        is_heard = and_(table.c.asked_by == lease.asked_by, table.c.asked_kinds == list(lease.asked_kinds))
        asked = {
            "asked_by": case((is_heard, null()), else_=table.c.asked_by),
            "asked_kinds": case((is_heard, literal([], JSONB)), else_=table.c.asked_kinds),
        }
        if not self._set(lease, **begun, **asked, lease_until=clock() + LEASE):
            return None
        run = {"tenant_id": lease.tenant_id, "id": run_id, "connection_id": lease.connection_id}
        self._session.execute(insert(mirror_runs).values(**run, asked_by=lease.asked_by, kinds=list(kinds)))
        return changed(lease, run_id=run_id, kinds=tuple(kinds), after=None)

    def store(self, lease: MirrorLease, rows: Collection[MasterRow], after: str | None) -> Stored | None:
        whose, kind = _whose(lease), lease.kinds[0]
        is_last, left = after is None, list(lease.kinds[1:] if after is None else lease.kinds)
        since = select(table.c.kind_since).where(*_of(lease)).scalar_subquery()
        if not self._set(lease, after=after, lease_until=clock() + LEASE):
            return None
        found = self._rows.store(whose, rows, kind)
        if is_last:
            ended = self._rows.end_unseen(whose, kind, since)
            found = Stored(added_up(found.counted, ended.counted), [*found.differences, *ended.differences])
            self._set(lease, kinds=left, kind_since=clock())
        self._add_to_run(lease, kind, found)
        return found

    def finish(self, lease: MirrorLease, after: timedelta) -> bool:
        run = (mirror_runs.c.tenant_id == lease.tenant_id, mirror_runs.c.id == lease.run_id)
        self._session.execute(update(mirror_runs).where(*run).values(finished_at=clock(), error=null()))
        self._prune(lease)
        # Somebody may have asked meanwhile.
        due = case((table.c.asked_by.is_not(None), clock()), else_=clock() + after)
        rest = {"run_id": null(), "kinds": [], "after": null(), "tries": 0, "error": null()}
        return self._set(lease, **rest, due_at=due, **_GIVEN_BACK)

    def give_back(self, lease: MirrorLease) -> bool:
        return self._set(lease, due_at=clock(), tries=0, error=null(), **_GIVEN_BACK)

    def postpone(self, lease: MirrorLease, after: timedelta, error: str | None) -> bool:
        failed = {} if error is None else {"tries": table.c.tries + 1, "error": error}
        if error is not None and lease.run_id is not None:
            run = (mirror_runs.c.tenant_id == lease.tenant_id, mirror_runs.c.id == lease.run_id)
            self._session.execute(update(mirror_runs).where(*run).values(error=error))
        return self._set(lease, **failed, due_at=clock() + after, **_GIVEN_BACK)

    def ask(self, tenant_id: str, connection_id: str, by: str, kinds: Sequence[MasterKind]) -> bool:
        self._add_missing()
        which = (table.c.tenant_id == tenant_id, table.c.connection_id == connection_id)
        query = select(table.c.run_id, table.c.asked_by, table.c.asked_kinds).where(*which).with_for_update()
        row = self._session.execute(query).one_or_none()
        if row is None:
            return False
        wanted = list(kinds)
        if row.asked_by is not None:  # of both, then; all where one asked for all
            wanted = [*dict.fromkeys([*row.asked_kinds, *kinds])] if row.asked_kinds and kinds else []
        values = {"due_at": clock(), "asked_by": by, "asked_kinds": wanted, "tries": 0, "error": null()}
        self._session.execute(update(table).where(*which).values(**values))
        return row.run_id is None

    def forget(self, tenant_id: str, connection_id: str) -> None:
        for of in (mirrored_rows, mirror_runs, table):
            which = (of.c.tenant_id == tenant_id, of.c.connection_id == connection_id)
            self._session.execute(delete(of).where(*which))

    def state(self, tenant_id: str, connection_id: str, runs: int) -> MirrorState:
        whose = Whose(tenant_id, connection_id)
        there = mirrored_rows.c.gone_at.is_(None)
        counted = (
            select(
                mirrored_rows.c.kind,
                func.count().filter(there).label("rows"),
                func.count().filter(~there).label("ended"),
                func.min(mirrored_rows.c.seen_at).filter(there).label("seen_at"),
            )
            .where(*whose.where())
            .group_by(mirrored_rows.c.kind)
        )
        kinds = {row.kind: row for row in self._session.execute(counted)}
        latest = (
            select(mirror_runs)
            .where(mirror_runs.c.tenant_id == tenant_id, mirror_runs.c.connection_id == connection_id)
            .order_by(mirror_runs.c.id.desc())
            .limit(runs)
        )
        own = select(table).where(table.c.tenant_id == tenant_id, table.c.connection_id == connection_id)
        row = self._session.execute(own).mappings().one_or_none()
        return MirrorState(
            kinds=[
                KindState(kind, kinds[kind].rows, kinds[kind].ended, kinds[kind].seen_at)
                for kind in MasterKind
                if kind in kinds
            ],
            runs=[_run(each) for each in self._session.execute(latest).mappings()],
            error=row["error"] if row else None,
            due_at=row["due_at"] if row else None,
            is_running=bool(row and row["run_id"]),
        )

    def run(self, tenant_id: str, run_id: UUID) -> MirrorRun:
        query = select(mirror_runs).where(mirror_runs.c.tenant_id == tenant_id, mirror_runs.c.id == run_id)
        row = self._session.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such reading.")
        return _run(row)

    def list(
        self, tenant_id: str, connection_id: str, kind: MasterKind, search: str, limit: int
    ) -> Sequence[MasterRow]:
        return self._rows.list(Whose(tenant_id, connection_id), kind, search, limit)

    def rows(
        self, tenant_id: str, connection_id: str, keys: Collection[MasterKey]
    ) -> Mapping[MasterKey, Known]:
        return self._rows.find(Whose(tenant_id, connection_id), keys)

    def of_company(self, tenant_id: str, connection_id: str, kind: MasterKind, company: str) -> Sequence[Known]:
        return self._rows.of_company(Whose(tenant_id, connection_id), kind, company)

    def customers_like(
        self, tenant_id: str, connection_id: str, code: str | None, name: str | None, tax_id: str | None
    ) -> Sequence[Customer]:
        return self._rows.customers_like(Whose(tenant_id, connection_id), code, name, tax_id)

    def keep(
        self,
        tenant_id: str,
        connection_id: str,
        rows: Collection[MasterRow],
        absent: Collection[MasterKey],
    ) -> None:
        whose = Whose(tenant_id, connection_id)
        self._rows.keep(whose, rows)
        self._rows.miss(whose, absent)

    def gone(self, tenant_id: str, connection_id: str) -> Sequence[GoneRow]:
        return self._rows.gone(Whose(tenant_id, connection_id))

    def codes(self, tenant_id: str, connection_id: str, kind: MasterKind) -> Collection[tuple[str, str]]:
        return self._rows.codes(Whose(tenant_id, connection_id), kind)

    def _set(self, lease: MirrorLease, **values: Any) -> bool:
        return self._session.execute(update(table).where(*_held(lease)).values(**values)).rowcount == 1

    def _add_to_run(self, lease: MirrorLease, kind: MasterKind, found: Stored) -> None:
        run = self.run(lease.tenant_id, lease.run_id) if lease.run_id else None
        if run is None:
            return
        counts = {**run.counts, kind: added_up(run.counts.get(kind, KindCount()), found.counted)}
        told = [each for each in run.differences if each.kind is kind]
        more = list(found.differences)[: max(0, MOST_KEPT - len(told))]
        which = (mirror_runs.c.tenant_id == lease.tenant_id, mirror_runs.c.id == run.id)
        self._session.execute(
            update(mirror_runs)
            .where(*which)
            .values(
                counts={of: count.model_dump(mode="json") for of, count in counts.items()},
                differences=[_as_json(each) for each in (*run.differences, *more)],
                error=null(),
            )
        )

    def _prune(self, lease: MirrorLease) -> None:
        of_connection = (
            mirror_runs.c.tenant_id == lease.tenant_id,
            mirror_runs.c.connection_id == lease.connection_id,
        )
        newest = select(mirror_runs.c.id).where(*of_connection).order_by(mirror_runs.c.id.desc())
        kept = newest.limit(RUNS_KEPT)
        self._session.execute(delete(mirror_runs).where(*of_connection, mirror_runs.c.id.not_in(kept)))

    def _add_missing(self) -> None:
        """Add a row, due at once, for each ERP that has been connected since."""
        has_row = exists().where(_CONNECTION[0] == connections.c.tenant_id, _CONNECTION[1] == connections.c.id)
        new = select(connections.c.tenant_id, connections.c.id).where(
            connections.c.role == ConnectionRole.ERP, connections.c.removed_at.is_(None), ~has_row
        )
        self._session.execute(
            insert(table).from_select(["tenant_id", "connection_id"], new).on_conflict_do_nothing()
        )


_GIVEN_BACK: dict[str, Any] = {"lease_until": null(), "lease_holder": null()}


def _whose(lease: MirrorLease) -> Whose:
    return Whose(lease.tenant_id, lease.connection_id)


def _of(lease: MirrorLease) -> tuple[Any, ...]:
    return table.c.tenant_id == lease.tenant_id, table.c.connection_id == lease.connection_id


def _held(lease: MirrorLease) -> tuple[Any, ...]:
    return (*_of(lease), table.c.lease_token == lease.token)


def _run(row: Any) -> MirrorRun:
    return MirrorRun.model_validate(pick(row, MirrorRun))


def _as_json(difference: MirrorDifference) -> dict[str, Any]:
    return difference.model_dump(mode="json")
