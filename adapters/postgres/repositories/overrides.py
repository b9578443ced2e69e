"""Overrides of plans: append only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, and_, bindparam, insert, select
from uuid_utils.compat import uuid7

from adapters.postgres.clock import clock
from adapters.postgres.rows import pick
from adapters.postgres.session import Session
from adapters.postgres.tables import people, plan_overrides
from oppsync.domain.approval.tasks import Person
from oppsync.domain.plan.overrides import NewOverride, PlanOverride


class PostgresPlanOverrides:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, tenant_id: str, opportunity_id: UUID, person: Person, new: NewOverride) -> PlanOverride:
        statement = (
            insert(plan_overrides)
            .values(
                tenant_id=tenant_id,
                id=uuid7(),
                opportunity_id=opportunity_id,
                made_by=person.id,
                made_at=clock(),
                **new.model_dump(mode="json"),
            )
            .returning(plan_overrides)
        )
        row = self._session.execute(statement).mappings().one()
        return PlanOverride(**pick(row, PlanOverride), author=person.email)

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[PlanOverride]:
        return overrides_of(self._session, tenant_id, opportunity_id)


def overrides_of(
    connection: Connection | Session, tenant_id: str, opportunity_id: UUID
) -> Sequence[PlanOverride]:
    which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id}
    return [PlanOverride(**pick(row, PlanOverride)) for row in connection.execute(OVERRIDES, which).mappings()]


def overrides() -> Select[Any]:
    """Every override with its author, oldest first."""
    by = and_(people.c.tenant_id == plan_overrides.c.tenant_id, people.c.id == plan_overrides.c.made_by)
    return select(plan_overrides, people.c.email.label("author")).join(people, by).order_by(plan_overrides.c.id)


# Read in every step, so it is built once.
OVERRIDES = overrides().where(
    plan_overrides.c.tenant_id == bindparam("of_tenant"),
    plan_overrides.c.opportunity_id == bindparam("of_opportunity"),
)
