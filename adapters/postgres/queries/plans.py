"""Read plans for pages, API and command line."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, select

from adapters.postgres.queries.base import NEWEST_VERSION, Reading, one, other_version
from adapters.postgres.repositories.overrides import overrides_of
from adapters.postgres.rows import document, to_plan
from adapters.postgres.tables import baselines, opportunities, plans
from oppsync.domain.plan.baseline import Baseline
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.reading.readings import PlanReading


class PostgresPlanQueries(Reading):
    """Implements `oppsync.ports.queries.plans.PlanQueries`."""

    def plan(self, tenant_id: str, opportunity_id: UUID, plan_hash: str | None = None) -> PlanReading:
        same = and_(
            plans.c.tenant_id == opportunities.c.tenant_id, plans.c.opportunity_id == opportunities.c.id
        )
        wanted = opportunities.c.plan_hash if plan_hash is None else plan_hash
        query = (
            select(plans, opportunities.c.plan_hash.label("current"), NEWEST_VERSION)
            .join(opportunities, same)
            .where(plans.c.tenant_id == tenant_id, plans.c.opportunity_id == opportunity_id)
            .where(plans.c.hash == wanted)
        )
        with self.reading() as connection:
            row = one(connection, query, "plan")
        plan = to_plan(row)
        return PlanReading(
            number=row["number"],
            hash=row["hash"],
            is_current=row["hash"] == row["current"],
            plan=plan,
            configuration_now=other_version(plan, row),
        )

    def baseline(self, tenant_id: str, opportunity_id: UUID) -> Baseline:
        query = select(baselines.c.content).where(
            baselines.c.tenant_id == tenant_id, baselines.c.opportunity_id == opportunity_id
        )
        with self.reading() as connection:
            return document(Baseline, one(connection, query, "baseline")["content"])

    def overrides(self, tenant_id: str, opportunity_id: UUID) -> Sequence[PlanOverride]:
        with self.reading() as connection:
            return overrides_of(connection, tenant_id, opportunity_id)
