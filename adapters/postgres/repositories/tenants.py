"""The installation's firm."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select, update

from adapters.postgres.clock import clock
from adapters.postgres.rows import pick
from adapters.postgres.session import Session
from adapters.postgres.tables import tenants
from oppsync.domain.work.tenants import Tenant, TriedDeal


class PostgresTenants:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, tenant_id: str) -> Tenant:
        return self._tenant(select(tenants).where(tenants.c.id == tenant_id))

    def lock(self, tenant_id: str) -> Tenant:
        # A lock that leaves alone those who only refer to the tenant.
        return self._tenant(select(tenants).where(tenants.c.id == tenant_id).with_for_update(key_share=True))

    def rename(self, tenant_id: str, name: str, time_zone: str) -> None:
        self._set(tenant_id, name=name, time_zone=time_zone)

    def keep_tried_deal(self, tenant_id: str, tried: TriedDeal) -> None:
        self._set(tenant_id, tried_deal=tried.model_dump(mode="json"))

    def go_live(self, tenant_id: str, by: str, second_admin: str) -> None:
        self._set(tenant_id, went_live_at=clock(), went_live_by=by, second_admin=second_admin)

    def _tenant(self, query: Select[Any]) -> Tenant:
        return Tenant.model_validate(pick(self._session.execute(query).mappings().one(), Tenant))

    def _set(self, tenant_id: str, **values: Any) -> None:
        self._session.execute(update(tenants).where(tenants.c.id == tenant_id).values(**values))
