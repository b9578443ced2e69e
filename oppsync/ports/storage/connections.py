"""Storage of connections and their secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from oppsync.domain.work.connections import Connection, ConnectionRole, InFlight


class Connections(Protocol):
    def get(self, connection_id: str) -> Connection:
        """The connection of this opaque, globally unique id. Raises NotFound, also once it was removed."""

    def of_role(self, tenant_id: str, role: ConnectionRole) -> Connection | None: ...

    def of_tenant(self, tenant_id: str) -> Sequence[Connection]:
        """All of them, by id."""

    def secrets(self, connection_id: str) -> Mapping[str, Any]:
        """Decrypted; never logged, never shown."""

    def put(self, connection: Connection, secrets: Mapping[str, Any]) -> None:
        """Insert or replace, the secrets encrypted. A pause, and the ends of webhook secrets, stay."""

    def reencrypt(self, tenant_id: str) -> Sequence[Connection]:
        """Encrypt the secrets of all connections by the first key. Raises Misconfigured for some that no key
        opens."""

    def pause(self, connection: Connection) -> None: ...

    def resume(self, connection: Connection, waiting: str) -> None:
        """Deals that wait with these words are due now."""

    def remove(self, connection: Connection) -> None:
        """Forget its secrets; rows that name it stay."""

    def end_secrets(self, connection: Connection, ends: Mapping[str, datetime]) -> None:
        """Until when each webhook secret that was replaced is accepted."""

    def note_test(self, connection: Connection, missing: Sequence[str] | None) -> None:
        """Keep what a test now found missing; None forgets the last test."""

    def in_flight(self, connection: Connection, shown: int) -> InFlight:
        """The deals under way that came from there or go there; names of at most `shown`."""
