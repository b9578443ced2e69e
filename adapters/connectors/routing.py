"""The adapters of a tenant's connections, built on first use and kept for a short while."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from datetime import date
from typing import Any

from adapters.connectors.http.client import OPEN_GATE, Gate
from adapters.connectors.maps import mapped
from adapters.connectors.registry import connector_of
from adapters.connectors.stored_memory import StoredMemory
from adapters.connectors.traffic.limits import Limits, limits_of, side_by_side, without_limits
from adapters.connectors.traffic.paused import PausedGate
from adapters.connectors.traffic.traffic import VendorTraffic
from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.plan.systems import ParentValues
from oppsync.domain.policy.connection_map import map_used
from oppsync.domain.policy.route import NamedPlace, RoutedRole, route_of
from oppsync.domain.reference.book import ReferenceBook, ReferenceUse
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.webhook_secrets import WEBHOOK_SECRETS
from oppsync.kernel.errors import Misconfigured, NotFound
from oppsync.ports.clock import Clock
from oppsync.ports.crm import Crm
from oppsync.ports.erp import Erp
from oppsync.ports.master_data import NO_MEMORY, MasterMemory
from oppsync.ports.notifier import Notifier
from oppsync.ports.psa import Psa
from oppsync.ports.storage.unit_of_work import UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import MasterSource, Systems

# A changed secret takes effect after this long; meanwhile the HTTP connections stay open.
KEEP_SECONDS = 30.0

ROUTED_ROLES = {ConnectionRole.ERP: RoutedRole.ERP, ConnectionRole.PSA: RoutedRole.PSA}
_GONE = "which does not exist any more: connect it again under this id, then replay."


class ConnectedSystems:
    """Implements `oppsync.ports.systems.Systems`; one per process, used from all its threads."""

    def __init__(
        self, uow: UnitOfWorkFactory, clock: Clock, notifier: Notifier, traffic: VendorTraffic
    ) -> None:
        self.notifier = notifier
        self._traffic = traffic
        self._units = self._uow = uow
        self._clock = clock
        self._lock = threading.Lock()
        self._built: dict[str, tuple[float, Connection, Any]] = {}
        self._tenant_id: str | None = None

    def read_through(self, uow: UnitOfWorkFactory, tenant_id: str) -> Systems:
        view = copy(self)
        view._uow = uow
        view._tenant_id = tenant_id
        return view

    def calls_at_once(self, connection_id: str) -> int:
        with self._lock:
            known = self._built.get(connection_id)
        return side_by_side(connection_limits(known[1])) if known else 1

    def crm(self, connection_id: str) -> Crm:
        with self._uow.reading() as uow:
            connection = self._mapped(uow, self._get(uow, connection_id))
        crm: Crm = self._adapter(connection)
        return crm

    def erp(self, tenant_id: str, parent: ParentValues, book: ReferenceBook | None = None) -> tuple[str, Erp]:
        connection = self._routed(tenant_id, ConnectionRole.ERP, parent, book)
        if connection is None:
            raise Misconfigured(f"No ERP is connected: add a connection of the role '{ConnectionRole.ERP}'.")
        return connection.id, self._adapter(connection)

    def psa(
        self, tenant_id: str, parent: ParentValues, book: ReferenceBook | None = None
    ) -> tuple[str, Psa] | None:
        connection = self._routed(tenant_id, ConnectionRole.PSA, parent, book)
        return (connection.id, self._adapter(connection)) if connection else None

    def erp_at(self, connection_id: str) -> Erp:
        erp: Erp = self._chosen(connection_id, ConnectionRole.ERP)
        return erp

    def master_data(self, connection_id: str) -> MasterSource | None:
        erp = self._chosen(connection_id, ConnectionRole.ERP)
        kinds = erp.capabilities.mirrors
        return MasterSource([kind for kind in MasterKind if kind in kinds], erp) if kinds else None

    def maps_of(
        self, tenant_id: str, connection_ids: Collection[str], book: ReferenceBook
    ) -> Sequence[ReferenceUse]:
        today = self._clock.now().date()
        with self._uow.reading() as uow:
            found = [each for each in uow.connections.of_tenant(tenant_id) if each.id in connection_ids]
        rows = (map_used(book, each.name, each.vendor, today) for each in found)
        return [row for row in rows if row is not None]

    def psa_at(self, connection_id: str) -> Psa:
        psa: Psa = self._chosen(connection_id, ConnectionRole.PSA)
        return psa

    def _chosen(self, connection_id: str, role: ConnectionRole) -> Any:
        try:
            with self._uow.reading() as uow:
                connection = self._mapped(uow, self._get(uow, connection_id))
        except NotFound:
            raise Misconfigured(f"This plan goes to the connection {connection_id}, {_GONE}") from None
        if connection.role is not role:
            raise Misconfigured(f"Connection {connection_id} is of the role {connection.role}, not {role}.")
        return self._adapter(connection)

    def _get(self, uow: UnitOfWork, connection_id: str) -> Connection:
        """A run asks for all connections of its tenant once."""
        if self._tenant_id is not None:
            for connection in uow.connections.of_tenant(self._tenant_id):
                if connection.id == connection_id:
                    return connection
        return uow.connections.get(connection_id)

    def _mapped(self, uow: UnitOfWork, connection: Connection) -> Connection:
        return mapped(connection, uow.references.book(connection.tenant_id), self._clock.now().date())

    def _routed(
        self, tenant_id: str, role: ConnectionRole, parent: ParentValues, book: ReferenceBook | None
    ) -> Connection | None:
        """The system that a route names for such a deal; where none does, the only one of the role."""
        routed, day = ROUTED_ROLES[role], parent.day or self._clock.now().date()
        with self._uow.reading() as uow:
            book = uow.references.book(tenant_id) if book is None else book
            connected = [each for each in uow.connections.of_tenant(tenant_id) if each.role is role]
            connected = [self._mapped(uow, each) for each in connected]
        place = NamedPlace(parent.legal_entity, parent.region, parent.service_line)
        found = route_of(book, routed, place, day)
        if found is None:
            return _only(connected, routed, parent, day)
        route, _use = found
        return None if route.connection is None else _named(connected, routed, route.connection)

    def _adapter(self, connection: Connection) -> Any:
        with self._lock:
            known = self._built.get(connection.id)
        if known and known[1] == connection and time.monotonic() - known[0] < KEEP_SECONDS:
            return known[2]
        with self._units.reading() as uow:
            secrets = uow.connections.secrets(connection.id)
        memory = StoredMemory(self._units, connection.tenant_id, connection.id)
        adapter = build_adapter(connection, secrets, self._clock, self._traffic, memory)
        with self._lock:
            self._built[connection.id] = (time.monotonic(), connection, adapter)
        return adapter


def _only(
    connected: Sequence[Connection], role: RoutedRole, parent: ParentValues, day: date
) -> Connection | None:
    """The only one; which of several it would be is for a route to say."""
    if len(connected) > 1:
        where = ", ".join(filter(None, (parent.legal_entity, parent.region, parent.service_line)))
        raise Misconfigured(
            f"routes.csv has no row of the role {role} for {where} on {day}, and {len(connected)} are "
            "connected: add a row, then replay."
        )
    return connected[0] if connected else None


def _named(connected: Sequence[Connection], role: RoutedRole, name: str) -> Connection:
    found = [each for each in connected if each.name == name]
    if len(found) == 1:
        return found[0]
    how_many = "several are" if found else "none is"
    raise Misconfigured(
        f"routes.csv sends this deal to the {role.upper()} {name!r}, and {how_many} connected under that name: "
        "name the connection so, or correct the row, then replay."
    )


def build_adapter(
    connection: Connection,
    secrets: Mapping[str, Any],
    clock: Clock,
    traffic: VendorTraffic | None,
    memory: MasterMemory = NO_MEMORY,
) -> Any:
    """The adapter of the connection's role and vendor; opens nothing. Without `traffic` its calls pass no gate,
    and without a `memory` of its master data it asks for all of it. Raises Misconfigured."""
    connector = connector_of(connection.role, connection.vendor)
    limits = limits_of(connection, connector.limits)
    gate = _gate(connection, limits, traffic) if traffic else OPEN_GATE
    return connector.connect(without_limits(connection).settings, of_the_vendor(secrets), clock, gate, memory)


def of_the_vendor(secrets: Mapping[str, Any]) -> dict[str, Any]:
    """Without those that are ours, which the vendor's model does not know."""
    return {name: secret for name, secret in secrets.items() if name != WEBHOOK_SECRETS}


def _gate(connection: Connection, limits: Limits, traffic: VendorTraffic) -> Gate:
    if connection.paused_at is not None:
        return PausedGate(connection)
    return traffic.gate(connection, limits)


def connection_limits(connection: Connection) -> Limits:
    """The limits of this connection. Raises Misconfigured."""
    return limits_of(connection, connector_of(connection.role, connection.vendor).limits)
