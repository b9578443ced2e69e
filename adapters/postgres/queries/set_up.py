"""Read how far an installation is set up."""

from __future__ import annotations

from sqlalchemy import exists, func, select

from adapters.postgres.queries.base import Reading
from adapters.postgres.rows import pick, to_person
from adapters.postgres.tables import connections, inbox, inbox_opportunities, people, reference_rows, tenants
from oppsync.domain.reading.set_up import SetUpFacts
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.work.connections import Connection
from oppsync.domain.work.intake import Source
from oppsync.domain.work.tenants import Tenant
from oppsync.services.admin.passwords import NO_PASSWORD


class PostgresSetUpQueries(Reading):
    """Implements `oppsync.ports.queries.set_up.SetUpQueries`."""

    def set_up_facts(self, tenant_id: str) -> SetUpFacts:
        kinds = (
            select(reference_rows.c.kind, func.count())
            .where(reference_rows.c.tenant_id == tenant_id)
            .group_by(reference_rows.c.kind)
        )
        named = exists().where(
            inbox_opportunities.c.tenant_id == inbox.c.tenant_id, inbox_opportunities.c.inbox_id == inbox.c.id
        )
        # A test event of our own names no record.
        heard = exists().where(
            inbox.c.tenant_id == connections.c.tenant_id,
            inbox.c.connection_id == connections.c.id,
            inbox.c.source == Source.WEBHOOK,
            named,
        )
        present = (
            select(connections, heard.label("heard"))
            .where(connections.c.tenant_id == tenant_id, connections.c.removed_at.is_(None))
            .order_by(connections.c.id)
        )
        active = (
            select(people).where(people.c.tenant_id == tenant_id, people.c.is_active).order_by(people.c.name)
        )
        with self.reading() as connection:
            tenant = connection.execute(select(tenants).where(tenants.c.id == tenant_id)).mappings().one()
            here = connection.execute(active).mappings().all()
            systems = connection.execute(present).mappings().all()
            counted = connection.execute(kinds).all()
        known = set(ReferenceKind)
        return SetUpFacts(
            tenant=Tenant.model_validate(pick(tenant, Tenant)),
            people=[to_person(row) for row in here if row["password_hash"] != NO_PASSWORD],
            invited=[to_person(row) for row in here if row["password_hash"] == NO_PASSWORD],
            connections=[Connection.model_validate(pick(row, Connection)) for row in systems],
            heard=frozenset(row["id"] for row in systems if row["heard"]),
            rows={ReferenceKind(kind): number for kind, number in counted if kind in known},
        )
