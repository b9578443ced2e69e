"""The read side, for pages, API and command line: one protocol a page area."""

from typing import Protocol

from oppsync.ports.queries.approvals import ApprovalsQueries
from oppsync.ports.queries.deliveries import DeliveriesQueries
from oppsync.ports.queries.exceptions import ExceptionsQueries
from oppsync.ports.queries.navigation import NavigationQueries
from oppsync.ports.queries.opportunities import OpportunitiesQueries
from oppsync.ports.queries.plans import PlansQueries


class Queries(
    OpportunitiesQueries,
    PlansQueries,
    ApprovalsQueries,
    ExceptionsQueries,
    DeliveriesQueries,
    NavigationQueries,
    Protocol,
):
    """The whole read side. Lists are newest first unless said otherwise; `after` is a page's `next_cursor`."""
