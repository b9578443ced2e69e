"""Connections, their secrets encrypted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography.fernet import InvalidToken, MultiFernet
from sqlalchemy import bindparam, exists, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.clock import clock
from adapters.postgres.rows import pick
from adapters.postgres.session import Session
from adapters.postgres.tables import connections, opportunities, plans
from oppsync.domain.work.connections import KEPT_APART, MOST_MISSING, Connection, ConnectionRole, InFlight
from oppsync.domain.work.states import ENDED
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import Misconfigured, NotFound


class PostgresConnections:
    """Secrets are a MultiFernet token of `{tenant, connection, secrets}`. Fernet has no associated data, so the
    token names its row inside, which is checked."""

    def __init__(self, session: Session, keys: MultiFernet) -> None:
        self._session = session
        self._keys = keys
        self._got: dict[str, Any] = {}

    def get(self, connection_id: str) -> Connection:
        row = self._got[connection_id] = self._row(connection_id)
        return Connection.model_validate(pick(row, Connection))

    def of_role(self, tenant_id: str, role: ConnectionRole) -> Connection | None:
        which = {"of_tenant": tenant_id, "of_role": role}
        row = self._session.execute(_CONNECTION_OF_ROLE, which).mappings().one_or_none()
        return Connection.model_validate(pick(row, Connection)) if row else None

    def of_tenant(self, tenant_id: str) -> Sequence[Connection]:
        query = (
            select(connections)
            .where(connections.c.tenant_id == tenant_id, connections.c.removed_at.is_(None))
            .order_by(connections.c.id)
        )
        rows = self._session.execute(query).mappings()
        return [Connection.model_validate(pick(row, Connection)) for row in rows]

    def secrets(self, connection_id: str) -> Mapping[str, Any]:
        # The secrets come with the connection that was just read, without another round trip.
        row = self._got.pop(connection_id, None) or self._row(connection_id)
        try:
            opened = canonical_json.loads_stored(self._keys.decrypt(row["secrets"]))
        except InvalidToken:
            raise _unopened(connection_id) from None
        if (opened["tenant"], opened["connection"]) != (row["tenant_id"], row["id"]):
            raise Misconfigured(f"The secrets of connection {connection_id} belong to another connection.")
        secrets: Mapping[str, Any] = opened["secrets"]
        return secrets

    def put(self, connection: Connection, secrets: Mapping[str, Any]) -> None:
        inside = {"tenant": connection.tenant_id, "connection": connection.id, "secrets": dict(secrets)}
        values = {
            **connection.model_dump(mode="json", exclude=set(KEPT_APART)),
            "secrets": self._keys.encrypt(canonical_json.dumps(inside).encode()),
        }
        statement = insert(connections).values(**values)
        changed = {name: value for name, value in values.items() if name not in ("tenant_id", "id")}
        self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "id"],
                set_={**changed, "updated_at": clock(), "removed_at": null()},
            )
        )

    def reencrypt(self, tenant_id: str) -> Sequence[Connection]:
        query = (
            select(connections)
            .where(connections.c.tenant_id == tenant_id, connections.c.removed_at.is_(None))
            .order_by(connections.c.id)
            .with_for_update()
        )
        found = []
        for row in self._session.execute(query).mappings().all():
            connection = Connection.model_validate(pick(row, Connection))
            try:
                token = self._keys.rotate(row["secrets"])
            except InvalidToken:
                raise _unopened(connection.id) from None
            self._set(connection, secrets=token)
            found.append(connection)
        return found

    def pause(self, connection: Connection) -> None:
        self._set(connection, paused_at=clock())

    def resume(self, connection: Connection, waiting: str) -> None:
        self._set(connection, paused_at=null())
        deals = opportunities.c
        self._session.execute(
            update(opportunities)
            .where(
                deals.tenant_id == connection.tenant_id, deals.waits_for == waiting, deals.due_at.is_not(None)
            )
            .values(due_at=clock(), emit_at=clock())
        )

    def remove(self, connection: Connection) -> None:
        self.put(connection, {})
        self._set(connection, removed_at=clock(), signature_scheme=null(), paused_at=null())

    def end_secrets(self, connection: Connection, ends: Mapping[str, datetime]) -> None:
        self._set(connection, secret_ends={name: at.isoformat() for name, at in ends.items()})

    def note_test(self, connection: Connection, missing: Sequence[str] | None) -> None:
        tested_at = null() if missing is None else clock()
        faults = null() if missing is None else len(missing)
        told = [*(missing or ())][:MOST_MISSING]
        self._set(connection, tested_at=tested_at, test_faults=faults, test_missing=told)

    def in_flight(self, connection: Connection, shown: int) -> InFlight:
        deals = opportunities.c
        goes_there = exists().where(
            plans.c.tenant_id == deals.tenant_id,
            plans.c.opportunity_id == deals.id,
            plans.c.hash == deals.plan_hash,
            or_(plans.c.erp == connection.id, plans.c.psa == connection.id),
        )
        found = (
            deals.tenant_id == connection.tenant_id,
            deals.state.not_in([state.value for state in ENDED]),
            or_(deals.connection_id == connection.id, goes_there),
        )
        count = self._session.execute(select(func.count()).where(*found)).scalar_one()
        names = select(func.coalesce(deals.name, deals.source_id)).where(*found).order_by(deals.id).limit(shown)
        return InFlight(count, tuple(self._session.execute(names).scalars()))

    def _set(self, connection: Connection, **values: Any) -> None:
        which = (connections.c.tenant_id == connection.tenant_id, connections.c.id == connection.id)
        self._session.execute(update(connections).where(*which).values(**values, updated_at=clock()))

    def _row(self, connection_id: str) -> Any:
        if not connection_id.isprintable():  # such as NUL, which Postgres cannot ask for
            raise NotFound("There is no such connection.")
        row = self._session.execute(_CONNECTION, {"of_id": connection_id}).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such connection.")
        return row


def _unopened(connection_id: str) -> Misconfigured:
    return Misconfigured(
        f"The secrets of connection {connection_id} cannot be opened with OPPSYNC_SECRET_KEYS."
    )


_CONNECTION = select(connections).where(
    connections.c.id == bindparam("of_id"), connections.c.removed_at.is_(None)
)

_CONNECTION_OF_ROLE = (
    select(connections)
    .where(
        connections.c.tenant_id == bindparam("of_tenant"),
        connections.c.role == bindparam("of_role"),
        connections.c.removed_at.is_(None),
    )
    .order_by(connections.c.id)
    .limit(1)
)
