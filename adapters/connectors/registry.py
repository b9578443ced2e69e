"""All connectors: one row a vendor, imported when it is used.

Routing, the contract suites and `doctor` read this table: a vendor with a row can be connected, is tested and
is checked.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.connectors.connector import AnyConnector
from adapters.runtime.plugins import load
from oppsync.domain.work.connections import ConnectionRole

Rows = Mapping[ConnectionRole, Mapping[str, str]]

CONNECTORS: Rows = {
    ConnectionRole.CRM: {"salesforce": "adapters.crm.salesforce.connector:CONNECTOR"},
    ConnectionRole.ERP: {"tryton": "adapters.erp.tryton.connector:CONNECTOR"},
    ConnectionRole.PSA: {"kantata": "adapters.psa.kantata.connector:CONNECTOR"},
}


def connector_of(role: ConnectionRole, vendor: str) -> AnyConnector:
    """The connector of this role and vendor. Raises Misconfigured when it has no row."""
    found: AnyConnector = load(CONNECTORS[role], vendor)
    return found
