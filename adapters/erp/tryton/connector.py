"""Tryton as an ERP to connect."""

from __future__ import annotations

from adapters.connectors.connector import Connector
from adapters.erp.tryton.adapter import TrytonErp
from adapters.erp.tryton.client import VENDOR
from adapters.erp.tryton.settings import TrytonSecrets, TrytonSettings, capabilities
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.work.connections import ConnectionRole
from oppsync.ports.erp import Erp

# No limits: Tryton has none of its own, what an installation bears is a setting of the connection.
CONNECTOR: Connector[TrytonSettings, TrytonSecrets, ErpCapabilities, Erp] = Connector(
    role=ConnectionRole.ERP,
    vendor="tryton",
    title=VENDOR,
    settings=TrytonSettings,
    secrets=TrytonSecrets,
    capabilities=capabilities,
    build=TrytonErp,
)
