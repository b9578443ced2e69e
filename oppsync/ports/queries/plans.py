"""What pages and API read about plans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from oppsync.domain.plan.baseline import Baseline
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.reading.readings import PlanReading


class PlanQueries(Protocol):
    def plan(self, tenant_id: str, opportunity_id: UUID, plan_hash: str | None = None) -> PlanReading:
        """The current plan, or the one of this hash. Raises NotFound."""

    def baseline(self, tenant_id: str, opportunity_id: UUID) -> Baseline:
        """Raises NotFound; also for a deal that was never active."""

    def overrides(self, tenant_id: str, opportunity_id: UUID) -> Sequence[PlanOverride]:
        """All overrides of this deal, oldest first."""
