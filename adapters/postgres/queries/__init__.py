"""The read side in Postgres, by page area."""

from adapters.postgres.queries.approvals import PostgresApprovalsQueries
from adapters.postgres.queries.deliveries import PostgresDeliveriesQueries
from adapters.postgres.queries.exceptions import PostgresExceptionsQueries
from adapters.postgres.queries.navigation import PostgresNavigationQueries
from adapters.postgres.queries.opportunities import PostgresOpportunitiesQueries
from adapters.postgres.queries.plans import PostgresPlansQueries


class PostgresQueries(
    PostgresOpportunitiesQueries,
    PostgresPlansQueries,
    PostgresApprovalsQueries,
    PostgresExceptionsQueries,
    PostgresDeliveriesQueries,
    PostgresNavigationQueries,
):
    """Implements `oppsync.ports.queries.Queries`."""
