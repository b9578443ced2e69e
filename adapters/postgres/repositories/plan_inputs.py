"""What plans were made from."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Date, and_, bindparam, cast, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.repositories.opportunities import CAME_TO_NOTHING
from adapters.postgres.rows import document
from adapters.postgres.session import Session
from adapters.postgres.tables import opportunities, plan_inputs
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.ports.storage.plans import WonDeal

_NEW = insert(plan_inputs)
_KEEP = _NEW.on_conflict_do_update(
    index_elements=["tenant_id", "opportunity_id", "plan_hash"], set_={"content": _NEW.excluded.content}
)
_INPUTS = select(plan_inputs.c.content).where(
    plan_inputs.c.tenant_id == bindparam("of_tenant"),
    plan_inputs.c.opportunity_id == bindparam("of_opportunity"),
    plan_inputs.c.plan_hash == bindparam("of_hash"),
)
_SAME_PLAN = and_(
    plan_inputs.c.tenant_id == opportunities.c.tenant_id,
    plan_inputs.c.opportunity_id == opportunities.c.id,
    plan_inputs.c.plan_hash == opportunities.c.plan_hash,
)
_LAST_WON = (
    select(
        opportunities.c.id,
        opportunities.c.source_id,
        opportunities.c.connection_id,
        opportunities.c.plan_hash,
        cast(opportunities.c.record["won_on"].astext, Date).label("won_on"),
        plan_inputs.c.plan_hash.is_not(None).label("is_kept"),
    )
    .outerjoin(plan_inputs, _SAME_PLAN)
    .where(
        opportunities.c.tenant_id == bindparam("of_tenant"),
        opportunities.c.plan_hash.is_not(None),
        opportunities.c.state.not_in(CAME_TO_NOTHING),
    )
    .order_by(opportunities.c.record["won_on"].astext.desc(), opportunities.c.id.desc())
    .limit(bindparam("most"))
)


class PostgresPlanInputs:
    def __init__(self, session: Session) -> None:
        self._session = session

    def keep(self, tenant_id: str, opportunity_id: UUID, plan_hash: str, inputs: PlanInputs) -> None:
        kept = {
            "tenant_id": tenant_id,
            "opportunity_id": opportunity_id,
            "plan_hash": plan_hash,
            "content": inputs.model_dump(mode="json"),
        }
        self._session.execute(_KEEP, kept)

    def get(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> PlanInputs | None:
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id, "of_hash": plan_hash}
        found = self._session.execute(_INPUTS, which).scalar_one_or_none()
        return document(PlanInputs, found) if found else None

    def last_won(self, tenant_id: str, limit: int) -> Sequence[WonDeal]:
        found = self._session.execute(_LAST_WON, {"of_tenant": tenant_id, "most": limit})
        return [
            WonDeal(row.id, row.source_id, row.connection_id, row.plan_hash, row.won_on, row.is_kept)
            for row in found
        ]

    def of_deals(self, tenant_id: str, deals: Sequence[WonDeal]) -> Sequence[tuple[WonDeal, PlanInputs]]:
        plan = tuple_(plan_inputs.c.opportunity_id, plan_inputs.c.plan_hash)
        query = select(plan_inputs.c.opportunity_id, plan_inputs.c.content).where(
            plan_inputs.c.tenant_id == tenant_id, plan.in_([(deal.id, deal.plan_hash) for deal in deals])
        )
        found = {row.opportunity_id: row.content for row in self._session.execute(query)}
        return [(deal, document(PlanInputs, found[deal.id])) for deal in deals if deal.id in found]
