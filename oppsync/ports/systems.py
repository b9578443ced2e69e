"""The systems that a tenant has connected."""

from __future__ import annotations

from typing import Protocol

from oppsync.ports.crm import Crm
from oppsync.ports.erp import ProjectSystem
from oppsync.ports.notifier import Notifier
from oppsync.ports.psa import Psa


class Systems(Protocol):
    """The adapters of one tenant's connections. Raises NotFound for a connection that does not exist."""

    notifier: Notifier

    def crm(self, connection_id: str) -> Crm: ...

    def projects(self, tenant_id: str) -> tuple[str, ProjectSystem]:
        """The tenant's ERP: connection id and adapter."""

    def psa(self, tenant_id: str) -> tuple[str, Psa] | None:
        """The tenant's PSA; None when it has none."""
