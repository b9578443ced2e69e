"""Connections, their secrets encrypted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.fernet import InvalidToken, MultiFernet
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.clock import clock
from adapters.postgres.rows import pick
from adapters.postgres.session import Session
from adapters.postgres.tables import connections
from oppsync.domain.work.connections import Connection, ConnectionRole
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
        query = select(connections).where(connections.c.tenant_id == tenant_id).order_by(connections.c.id)
        rows = self._session.execute(query).mappings()
        return [Connection.model_validate(pick(row, Connection)) for row in rows]

    def secrets(self, connection_id: str) -> Mapping[str, Any]:
        # The secrets come with the connection that was just read, without another round trip.
        row = self._got.pop(connection_id, None) or self._row(connection_id)
        try:
            opened = canonical_json.loads_stored(self._keys.decrypt(row["secrets"]))
        except InvalidToken:
            raise Misconfigured(
                f"The secrets of connection {connection_id} cannot be opened with OPPSYNC_SECRET_KEYS."
            ) from None
        if (opened["tenant"], opened["connection"]) != (row["tenant_id"], row["id"]):
            raise Misconfigured(f"The secrets of connection {connection_id} belong to another connection.")
        secrets: Mapping[str, Any] = opened["secrets"]
        return secrets

    def put(self, connection: Connection, secrets: Mapping[str, Any]) -> None:
        inside = {"tenant": connection.tenant_id, "connection": connection.id, "secrets": dict(secrets)}
        values = {
            **connection.model_dump(mode="json"),
            "secrets": self._keys.encrypt(canonical_json.dumps(inside).encode()),
        }
        statement = insert(connections).values(**values)
        changed = {name: value for name, value in values.items() if name not in ("tenant_id", "id")}
        self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "id"], set_={**changed, "updated_at": clock()}
            )
        )

    def _row(self, connection_id: str) -> Any:
        row = self._session.execute(_CONNECTION, {"of_id": connection_id}).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such connection.")
        return row


_CONNECTION = select(connections).where(connections.c.id == bindparam("of_id"))

_CONNECTION_OF_ROLE = (
    select(connections)
    .where(connections.c.tenant_id == bindparam("of_tenant"), connections.c.role == bindparam("of_role"))
    .order_by(connections.c.id)
    .limit(1)
)
