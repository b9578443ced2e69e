"""The connector of Tryton, an ERP."""

from __future__ import annotations

from adapters.connectors.connector import Connector
from adapters.erp.tryton.adapter import TrytonErp
from adapters.erp.tryton.client import VENDOR
from adapters.erp.tryton.settings import TrytonSecrets, TrytonSettings, capabilities
from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.work.connections import ConnectionRole
from oppsync.ports.erp import Erp

_PRODUCTS = ("time_product", "dated_product", "milestone_product", "progress_product")

# No limits: Tryton has none of its own. What an installation can take is a setting of its connection.
CONNECTOR: Connector[TrytonSettings, TrytonSecrets, ErpCapabilities, Erp] = Connector(
    role=ConnectionRole.ERP,
    vendor="tryton",
    title=VENDOR,
    settings=TrytonSettings,
    secrets=TrytonSecrets,
    capabilities=capabilities,
    build=TrytonErp,
    build_remembering=TrytonErp,
    elsewhere=frozenset({"base_url", "database"}),
    maps=(*_PRODUCTS, "closed_status", "open_status"),
    names=dict.fromkeys(_PRODUCTS, MasterKind.PRODUCT),
)
