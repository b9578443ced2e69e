"""Who ever owned or requested an opportunity: append only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, and_, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.session import Session, rows_of
from adapters.postgres.tables import crm_users, opportunities, opportunity_parties
from oppsync.domain.deal.parties import Party
from oppsync.domain.work.tracked import TrackedOpportunity

_USER = ("tenant_id", "connection_id", "user_id", "email", "name")
_PART = ("tenant_id", "opportunity_id", "part", "user_id")


def _keeping() -> Any:
    """One statement for all that a reading names."""
    columns = {column.name: column for column in (*crm_users.columns, *opportunity_parties.columns)}
    named = rows_of("parties", [columns[name] for name in dict.fromkeys((*_USER, *_PART))])
    users = select(*(named.c[name] for name in _USER))
    parts = select(*(named.c[name] for name in _PART))
    seen = insert(crm_users).from_select(_USER, users).on_conflict_do_nothing().cte("seen")
    return insert(opportunity_parties).from_select(_PART, parts).on_conflict_do_nothing().add_cte(seen)


_KEEP = _keeping()


class PostgresParties:
    def __init__(self, session: Session) -> None:
        self._session = session

    def keep(self, opportunity: TrackedOpportunity, parties: Iterable[Party]) -> None:
        of_deal = {
            "tenant_id": opportunity.tenant_id,
            "connection_id": opportunity.connection_id,
            "opportunity_id": str(opportunity.id),
        }
        rows = [
            {
                **of_deal,
                "part": party.part.value,
                "user_id": party.user_id,
                "email": party.email or "",
                "name": party.name,
            }
            # In one order everywhere: two transactions that name the same users never wait for each other.
            for party in sorted(parties, key=lambda party: (party.user_id, party.email or ""))
        ]
        if rows:
            self._session.execute(_KEEP, {"parties": rows})

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[Party]:
        return parties_of_deal(self._session, tenant_id, opportunity_id)

    def under_each_address(
        self, tenant_id: str, opportunity_id: UUID, named: Collection[Party]
    ) -> Sequence[Party]:
        users = sorted({party.user_id for party in named})
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id, "users": users}
        seen = self._session.execute(_SEEN, which).mappings().all()
        return [
            to_party({**row, "part": party.part})
            for party in named
            for row in seen
            if row["user_id"] == party.user_id
        ]


def parties_of_deal(connection: Connection | Session, tenant_id: str, opportunity_id: UUID) -> Sequence[Party]:
    which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id}
    return [to_party(row) for row in connection.execute(PARTIES_OF_DEAL, which).mappings()]


def parties() -> Select[Any]:
    """Every part in every deal, a row for each address that was ever seen of the user."""
    of_deal = and_(
        opportunities.c.tenant_id == opportunity_parties.c.tenant_id,
        opportunities.c.id == opportunity_parties.c.opportunity_id,
    )
    of_user = and_(
        crm_users.c.tenant_id == opportunities.c.tenant_id,
        crm_users.c.connection_id == opportunities.c.connection_id,
        crm_users.c.user_id == opportunity_parties.c.user_id,
    )
    return (
        select(
            opportunity_parties.c.opportunity_id,
            opportunity_parties.c.part,
            opportunity_parties.c.user_id,
            crm_users.c.name,
            crm_users.c.email,
        )
        .join(opportunities, of_deal)
        .join(crm_users, of_user)
        .order_by(crm_users.c.seen_at, crm_users.c.user_id, crm_users.c.email)
    )


def to_party(row: Mapping[Any, Any]) -> Party:
    return Party(part=row["part"], user_id=row["user_id"], name=row["name"], email=row["email"] or None)


_SEEN = (
    select(crm_users.c.user_id, crm_users.c.name, crm_users.c.email)
    .join(
        opportunities,
        and_(
            opportunities.c.tenant_id == crm_users.c.tenant_id,
            opportunities.c.connection_id == crm_users.c.connection_id,
        ),
    )
    .where(
        opportunities.c.tenant_id == bindparam("of_tenant"),
        opportunities.c.id == bindparam("of_opportunity"),
        crm_users.c.user_id.in_(bindparam("users", expanding=True)),
    )
    .order_by(crm_users.c.seen_at, crm_users.c.user_id, crm_users.c.email)
)

# Asked for whenever a decision is judged: built once.
PARTIES_OF_DEAL = parties().where(
    opportunity_parties.c.tenant_id == bindparam("of_tenant"),
    opportunity_parties.c.opportunity_id == bindparam("of_opportunity"),
)
