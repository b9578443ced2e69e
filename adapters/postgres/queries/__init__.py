"""The read side in Postgres, by page area."""

from adapters.postgres.queries.approvals import PostgresApprovalQueries
from adapters.postgres.queries.dashboard import PostgresDashboardQueries
from adapters.postgres.queries.deliveries import PostgresDeliveryQueries
from adapters.postgres.queries.exceptions import PostgresExceptionQueries
from adapters.postgres.queries.navigation import PostgresNavigationQueries
from adapters.postgres.queries.opportunities import PostgresOpportunityQueries
from adapters.postgres.queries.people import PostgresPeopleQueries
from adapters.postgres.queries.plans import PostgresPlanQueries
from adapters.postgres.queries.security import PostgresSecurityQueries
from adapters.postgres.queries.set_up import PostgresSetUpQueries


class PostgresQueries(
    PostgresOpportunityQueries,
    PostgresPlanQueries,
    PostgresApprovalQueries,
    PostgresExceptionQueries,
    PostgresDeliveryQueries,
    PostgresNavigationQueries,
    PostgresSecurityQueries,
    PostgresPeopleQueries,
    PostgresSetUpQueries,
    PostgresDashboardQueries,
):
    """Implements `oppsync.ports.queries.Queries`."""
