"""The adapters of a tenant's connections, built when first needed and kept for a short while."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from adapters.connectors.traffic.limits import Limits, limits_of, without_limits
from adapters.connectors.traffic.traffic import VendorTraffic
from adapters.crm.registry import CRMS
from adapters.erp.registry import PROJECT_SYSTEMS
from adapters.psa.registry import PSAS
from adapters.runtime.plugins import load
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.kernel.errors import Misconfigured
from oppsync.ports.clock import Clock
from oppsync.ports.crm import Crm
from oppsync.ports.erp import ProjectSystem
from oppsync.ports.notifier import Notifier
from oppsync.ports.psa import Psa
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory

# After this long a changed secret is noticed; the HTTP connections stay open meanwhile.
KEEP_SECONDS = 30.0
# A secret of ours in a connection's secrets, not the vendor's.
WEBHOOK_SECRETS = "webhook_secrets"
_REGISTRIES: dict[ConnectionRole, Mapping[str, str]] = {
    ConnectionRole.CRM: CRMS,
    ConnectionRole.PROJECTS: PROJECT_SYSTEMS,
    ConnectionRole.PSA: PSAS,
}


class ConnectedSystems:
    """Implements `oppsync.ports.systems.Systems`; one a process, used from all its threads."""

    def __init__(
        self, uow: UnitOfWorkFactory, clock: Clock, notifier: Notifier, traffic: VendorTraffic
    ) -> None:
        self.notifier = notifier
        self._traffic = traffic
        self._uow = uow
        self._clock = clock
        self._lock = threading.Lock()
        self._built: dict[str, tuple[float, Connection, Any]] = {}

    def crm(self, connection_id: str) -> Crm:
        with self._uow.reading() as uow:
            connection = uow.connections.get(connection_id)
        crm: Crm = self._adapter(connection)
        return crm

    def projects(self, tenant_id: str) -> tuple[str, ProjectSystem]:
        connection = self._of_role(tenant_id, ConnectionRole.PROJECTS)
        if connection is None:
            raise Misconfigured("No ERP is connected: add a connection of the role 'projects'.")
        return connection.id, self._adapter(connection)

    def psa(self, tenant_id: str) -> tuple[str, Psa] | None:
        connection = self._of_role(tenant_id, ConnectionRole.PSA)
        return (connection.id, self._adapter(connection)) if connection else None

    def _of_role(self, tenant_id: str, role: ConnectionRole) -> Connection | None:
        with self._uow.reading() as uow:
            return uow.connections.of_role(tenant_id, role)

    def _adapter(self, connection: Connection) -> Any:
        with self._lock:
            known = self._built.get(connection.id)
        if known and known[1] == connection and time.monotonic() - known[0] < KEEP_SECONDS:
            return known[2]
        with self._uow.reading() as uow:
            secrets = uow.connections.secrets(connection.id)
        adapter = build_adapter(connection, secrets, self._clock, self._traffic)
        with self._lock:
            self._built[connection.id] = (time.monotonic(), connection, adapter)
        return adapter


def build_adapter(
    connection: Connection, secrets: Mapping[str, Any], clock: Clock, traffic: VendorTraffic
) -> Any:
    """The adapter of the connection's role and vendor; opens nothing. Raises Misconfigured."""
    vendors = {name: secret for name, secret in secrets.items() if name != WEBHOOK_SECRETS}
    gate = traffic.gate(connection, connection_limits(connection))
    return _vendor(connection)(without_limits(connection), vendors, clock, gate)


def connection_limits(connection: Connection) -> Limits:
    """Raises Misconfigured."""
    return limits_of(connection, _vendor(connection).limits)


def _vendor(connection: Connection) -> Any:
    return load(_REGISTRIES[connection.role], connection.vendor)
