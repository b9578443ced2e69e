"""Read the counts and names that the navigation shows."""

from __future__ import annotations

from sqlalchemy import func, select

from adapters.postgres.queries.base import Reading
from adapters.postgres.queries.deciders import open_tasks
from adapters.postgres.tables import exception_items, tenants
from oppsync.domain.approval.tasks import Person
from oppsync.domain.reading.readings import OpenCounts
from oppsync.domain.work.exceptions import ExceptionStatus


class PostgresNavigationQueries(Reading):
    """Implements `oppsync.ports.queries.navigation.NavigationQueries`."""

    def counts(self, tenant_id: str, person: Person) -> OpenCounts:
        parked = (
            select(func.count())
            .select_from(exception_items)
            .where(exception_items.c.tenant_id == tenant_id)
            .where(exception_items.c.status == ExceptionStatus.OPEN)
        )
        with self.reading() as connection:
            return OpenCounts(
                approvals=len(open_tasks(connection, tenant_id, person).waiting),
                exceptions=connection.execute(parked).scalar_one(),
            )

    def time_zone(self, tenant_id: str) -> str | None:
        query = select(tenants.c.time_zone).where(tenants.c.id == tenant_id)
        with self.reading() as connection:
            zone: str | None = connection.execute(query).scalar_one()
            return zone

    def is_live(self, tenant_id: str) -> bool:
        query = select(tenants.c.went_live_at).where(tenants.c.id == tenant_id)
        with self.reading() as connection:
            return connection.execute(query).scalar_one() is not None
