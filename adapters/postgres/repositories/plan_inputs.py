"""What plans were made from."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.rows import document
from adapters.postgres.session import Session
from adapters.postgres.tables import plan_inputs
from oppsync.domain.planning.inputs import PlanInputs

_KEEP = insert(plan_inputs).on_conflict_do_nothing()
_INPUTS = select(plan_inputs.c.content).where(
    plan_inputs.c.tenant_id == bindparam("of_tenant"),
    plan_inputs.c.opportunity_id == bindparam("of_opportunity"),
    plan_inputs.c.plan_hash == bindparam("of_hash"),
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
