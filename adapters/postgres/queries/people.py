"""Read who comes in, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, func, select

from adapters.postgres.clock import clock
from adapters.postgres.queries.base import Reading
from adapters.postgres.repositories.credentials import token_in_use
from adapters.postgres.rows import pick, to_granted
from adapters.postgres.tables import api_tokens, invitations, people, second_factors, sessions
from oppsync.domain.reading.readings import PersonSummary, SessionSummary, TokenSummary
from oppsync.domain.values.roles import roles_in_order
from oppsync.domain.values.scopes import Scope
from oppsync.kernel.errors import NotFound
from oppsync.services.admin.passwords import NO_PASSWORD
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
            select(api_tokens, people.c.email)
            .join(people, same)
            .where(api_tokens.c.tenant_id == tenant_id, *token_in_use(), people.c.is_active)
            .order_by(api_tokens.c.name)
        )
        if person_id is not None:
            query = query.where(api_tokens.c.person_id == person_id)
        with self.reading() as connection:
            rows = connection.execute(query).mappings()
            return [_token(row) for row in rows]

    def sessions(self, tenant_id: str, person_id: UUID, asking: str = "") -> Sequence[SessionSummary]:
        query = (
            select(sessions, (sessions.c.secret_hash == asking).label("is_this"))
            .where(sessions.c.tenant_id == tenant_id, sessions.c.person_id == person_id, *_open_session())
            .order_by(sessions.c.created_at.desc(), sessions.c.id)
        )
        with self.reading() as connection:
            rows = connection.execute(query).mappings()
            return [SessionSummary.model_validate(pick(row, SessionSummary)) for row in rows]


def _open_session() -> tuple[ColumnElement[bool], ...]:
    return sessions.c.expires_at > clock(), sessions.c.last_seen > clock() - IDLE


def _people(tenant_id: str) -> Select[Any]:
    theirs = (sessions.c.tenant_id == people.c.tenant_id, sessions.c.person_id == people.c.id)
    live = (*theirs, *_open_session())
    link = (
        invitations.c.tenant_id == people.c.tenant_id,
        invitations.c.person_id == people.c.id,
        invitations.c.expires_at > clock(),
    )
    factor = (
        second_factors.c.tenant_id == people.c.tenant_id,
        second_factors.c.person_id == people.c.id,
        second_factors.c.confirmed_at.is_not(None),
    )
    return select(
        people,
        select(invitations.c.expires_at).where(*link).scalar_subquery().label("link_until"),
        select(func.count()).select_from(sessions).where(*live).scalar_subquery().label("sessions"),
        select(func.max(sessions.c.last_seen)).where(*live).scalar_subquery().label("last_seen"),
        select(second_factors.c.person_id).where(*factor).exists().label("second_factor"),
        (people.c.password_hash != NO_PASSWORD).label("has_password"),
    ).where(people.c.tenant_id == tenant_id)


def _summary(row: RowMapping) -> PersonSummary:
    values = pick(row, PersonSummary)
    granted = to_granted(row)
    values |= {"roles": roles_in_order(granted.roles), "limits": granted.limits}
    return PersonSummary.model_validate(values)


def _token(row: RowMapping) -> TokenSummary:
    values = pick(row, TokenSummary)
    values["scopes"] = None if row["scopes"] is None else [each for each in Scope if each in row["scopes"]]
    return TokenSummary.model_validate(values)
