"""The read side, for pages, API and command line: one protocol a page area."""

from typing import Protocol

from oppsync.ports.queries.approvals import ApprovalQueries
from oppsync.ports.queries.dashboard import DashboardQueries
from oppsync.ports.queries.deliveries import DeliveryQueries
from oppsync.ports.queries.exceptions import ExceptionQueries
from oppsync.ports.queries.navigation import NavigationQueries
from oppsync.ports.queries.opportunities import OpportunityQueries
from oppsync.ports.queries.people import PeopleQueries
from oppsync.ports.queries.plans import PlanQueries
from oppsync.ports.queries.security import SecurityQueries
from oppsync.ports.queries.set_up import SetUpQueries


class Queries(
    OpportunityQueries,
    PlanQueries,
    ApprovalQueries,
    ExceptionQueries,
    DeliveryQueries,
    NavigationQueries,
    SecurityQueries,
    PeopleQueries,
    SetUpQueries,
    DashboardQueries,
    Protocol,
):
    """The whole read side. Lists are newest first unless said otherwise; `after` is a page's `next_cursor`."""
