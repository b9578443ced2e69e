"""What this installation says of rows: which systems are connected, and which master data the ERP has."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from oppsync.domain.configuration.bundle import governed
from oppsync.domain.configuration.installation import Connected, Installation
from oppsync.domain.policy.route import RoutedRole
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.work.connections import ConnectionRole
from oppsync.ports.clock import Clock
from oppsync.ports.connectors import ConnectorCatalog
from oppsync.ports.storage.unit_of_work import UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.configuration.erp_check import asking
from oppsync.services.mirror.known import erp_names

ROLES = {RoutedRole.ERP: ConnectionRole.ERP, RoutedRole.PSA: ConnectionRole.PSA}


def connected(uow: UnitOfWork, tenant_id: str, today: date) -> Connected:
    found = uow.connections.of_tenant(tenant_id)
    names: dict[RoutedRole, Collection[str]] = {
        role: {each.name for each in found if each.role is of_role} for role, of_role in ROLES.items()
    }
    routes = [row for row in uow.references.book(tenant_id).rows if row.kind is ReferenceKind.ROUTE]
    return Connected(names, governed(routes), today)


def installation(uow: UnitOfWork, tenant_id: str, now: datetime, catalog: ConnectorCatalog) -> Installation:
    today = now.date()
    return Installation(connected(uow, tenant_id, today), erp_names(uow, tenant_id, today, catalog))


def asked_installation(
    systems: Systems, uow: UnitOfWorkFactory, tenant_id: str, clock: Clock, catalog: ConnectorCatalog
) -> Installation:
    """As `installation`; what the master data lacks is looked up in the ERP itself, where it answers."""
    with uow.reading() as reading:
        found = connected(reading, tenant_id, clock.now().date())
    return Installation(found, asking(systems, uow, tenant_id, clock, catalog))
