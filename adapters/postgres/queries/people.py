"""Read who comes in, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, func, or_, select

from adapters.postgres.clock import clock
from adapters.postgres.queries.base import Reading
from adapters.postgres.rows import pick
from adapters.postgres.tables import api_tokens, invitations, people, sessions
from oppsync.domain.reading.readings import PersonSummary, TokenSummary
from oppsync.domain.values.roles import PersonRole
from oppsync.kernel.errors import NotFound
from oppsync.services.admin.session_life import IDLE


class PostgresPeopleQueries(Reading):
    """Implements `oppsync.ports.queries.people.PeopleQueries`."""

    def people(self, tenant_id: str) -> Sequence[PersonSummary]:
        query = _people(tenant_id).order_by(people.c.is_active.desc(), people.c.name, people.c.id)
        with self.reading() as connection:
            return [_summary(row) for row in connection.execute(query).mappings()]

    def person(self, tenant_id: str, person_id: UUID) -> PersonSummary:
        with self.reading() as connection:
            query = _people(tenant_id).where(people.c.id == person_id)
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such person.")
        return _summary(row)

    def tokens(self, tenant_id: str, person_id: UUID | None = None) -> Sequence[TokenSummary]:
        same = (people.c.tenant_id == api_tokens.c.tenant_id) & (people.c.id == api_tokens.c.person_id)
        query = (
            select(api_tokens.c.name, people.c.email, api_tokens.c.created_at, api_tokens.c.revoked_at)
            .join(people, same)
            .where(
                api_tokens.c.tenant_id == tenant_id,
                or_(api_tokens.c.revoked_at.is_(None), api_tokens.c.revoked_at > clock()),
                people.c.is_active,
            )
            .order_by(api_tokens.c.name)
        )
        if person_id is not None:
            query = query.where(api_tokens.c.person_id == person_id)
        with self.reading() as connection:
            rows = connection.execute(query).mappings()
            return [TokenSummary.model_validate(pick(row, TokenSummary)) for row in rows]


def _people(tenant_id: str) -> Select[Any]:
    theirs = (sessions.c.tenant_id == people.c.tenant_id, sessions.c.person_id == people.c.id)
    live = (*theirs, sessions.c.expires_at > clock(), sessions.c.last_seen > clock() - IDLE)
    link = (
        invitations.c.tenant_id == people.c.tenant_id,
        invitations.c.person_id == people.c.id,
        invitations.c.expires_at > clock(),
    )
    return select(
        people,
        select(invitations.c.expires_at).where(*link).scalar_subquery().label("link_until"),
        select(func.count()).select_from(sessions).where(*live).scalar_subquery().label("sessions"),
        select(func.max(sessions.c.last_seen)).where(*live).scalar_subquery().label("last_seen"),
    ).where(people.c.tenant_id == tenant_id)


def _summary(row: RowMapping) -> PersonSummary:
    values = pick(row, PersonSummary)
    values["roles"] = tuple(role for role in PersonRole if role in row["roles"])
    return PersonSummary.model_validate(values)
