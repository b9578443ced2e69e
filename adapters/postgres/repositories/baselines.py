"""Baselines."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.session import Session
from adapters.postgres.tables import baselines
from oppsync.domain.plan.baseline import Baseline

_FREEZE = insert(baselines).on_conflict_do_nothing()


class PostgresBaselines:
    def __init__(self, session: Session) -> None:
        self._session = session

    def freeze(self, tenant_id: str, opportunity_id: UUID, baseline: Baseline) -> None:
        frozen = {
            "tenant_id": tenant_id,
            "opportunity_id": opportunity_id,
            "plan_hash": baseline.plan_hash,
            "frozen_at": baseline.frozen_at,
            "content": baseline.model_dump(mode="json"),
        }
        self._session.execute(_FREEZE, frozen)
