"""Storage of the installation's firm."""

from __future__ import annotations

from typing import Protocol

from oppsync.domain.work.tenants import Tenant, TriedDeal


class Tenants(Protocol):
    def get(self, tenant_id: str) -> Tenant: ...

    def lock(self, tenant_id: str) -> Tenant:
        """The same, and whoever else locks it waits until this unit of work is over."""

    def rename(self, tenant_id: str, name: str, time_zone: str) -> None: ...

    def keep_tried_deal(self, tenant_id: str, tried: TriedDeal) -> None:
        """Instead of the one before."""

    def go_live(self, tenant_id: str, by: str, second_admin: str) -> None: ...
