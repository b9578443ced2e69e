"""Storage of connections and their secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from oppsync.domain.work.connections import Connection, ConnectionRole


class Connections(Protocol):
    def get(self, connection_id: str) -> Connection:
        """The connection of this opaque, globally unique id. Raises NotFound."""

    def of_role(self, tenant_id: str, role: ConnectionRole) -> Connection | None: ...

    def of_tenant(self, tenant_id: str) -> Sequence[Connection]:
        """All of them, by id."""

    def secrets(self, connection_id: str) -> Mapping[str, Any]:
        """Decrypted; never logged, never shown."""

    def put(self, connection: Connection, secrets: Mapping[str, Any]) -> None:
        """Insert or replace, the secrets encrypted."""
