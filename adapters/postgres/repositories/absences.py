"""Absences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, TypeAdapter
from sqlalchemy import Connection, bindparam, func, insert, select, update
from uuid_utils.compat import uuid7

from adapters.postgres.clock import clock
from adapters.postgres.rows import pick
from adapters.postgres.session import Session
from adapters.postgres.tables import absences
from oppsync.domain.approval.absences import NO_ABSENCES, Absence, Absences, NewAbsence
from oppsync.kernel.errors import NotFound


class PostgresAbsences:
    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self, tenant_id: str) -> Absences:
        return all_absences(self._session, tenant_id)

    def add(self, tenant_id: str, absence: NewAbsence, made_by: str) -> Absence:
        made = {"tenant_id": tenant_id, "id": uuid7(), "made_by": made_by, "made_at": clock()}
        values = {**absence._asdict(), **made}
        row = self._session.execute(insert(absences).values(values).returning(absences)).mappings().one()
        return Absence.model_validate(pick(row, Absence))

    def get(self, tenant_id: str, absence_id: UUID) -> Absence:
        query = select(absences).where(absences.c.tenant_id == tenant_id, absences.c.id == absence_id)
        row = self._session.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such absence.")
        return Absence.model_validate(pick(row, Absence))

    def end(self, tenant_id: str, absence_id: UUID) -> None:
        which = update(absences).where(absences.c.tenant_id == tenant_id, absences.c.id == absence_id)
        # Of one that has not begun nothing is left.
        self._session.execute(which.values(ended_at=func.least(clock(), absences.c.ends_at)))


def all_absences(connection: Connection | Session, tenant_id: str) -> Absences:
    return to_absences(connection.execute(ABSENCES, {"of_tenant": tenant_id}).mappings().all())


def to_absences(rows: Sequence[Mapping[Any, Any]]) -> Absences:
    if not rows:
        return NO_ABSENCES
    now = _MOMENT.validate_python(rows[0]["now"])
    return Absences(now, [Absence.model_validate(pick(row, Absence)) for row in rows])


_MOMENT = TypeAdapter[datetime](AwareDatetime)
# Read whenever a decision is judged, so it is built once.
ABSENCES = (
    select(absences, clock().label("now"))
    .where(absences.c.tenant_id == bindparam("of_tenant"))
    .order_by(absences.c.begins_at, absences.c.id)
)
