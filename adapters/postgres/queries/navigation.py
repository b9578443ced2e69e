"""What pages, API and command line read about navigation."""

from __future__ import annotations

from sqlalchemy import func, select

from adapters.postgres.queries.reading import Reading, mine, of_task
from adapters.postgres.tables import approval_tasks, exception_items, opportunities
from oppsync.domain.approval.tasks import Person, TaskStatus
from oppsync.domain.reading.readings import OpenCounts
from oppsync.domain.work.exceptions import ExceptionStatus


class PostgresNavigationQueries(Reading):
    """Implements `oppsync.ports.queries.navigation.NavigationQueries`."""

    def counts(self, tenant_id: str, person: Person) -> OpenCounts:
        waiting = (
            select(func.count())
            .select_from(approval_tasks)
            .join(opportunities, of_task())
            .where(approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.status == TaskStatus.OPEN)
            .where(*mine(person))
        )
        parked = (
            select(func.count())
            .select_from(exception_items)
            .where(exception_items.c.tenant_id == tenant_id)
            .where(exception_items.c.status == ExceptionStatus.OPEN)
        )
        with self.reading() as connection:
            return OpenCounts(
                approvals=connection.execute(waiting).scalar_one(),
                exceptions=connection.execute(parked).scalar_one(),
            )
