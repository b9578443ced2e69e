"""The dashboard's figures."""

from __future__ import annotations

from http import HTTPStatus

from oppsync.domain.approval.who_may import Action
from oppsync.domain.reading.dashboard import Dashboard
from oppsync.services.insight.dashboard import Asked, read_dashboard
from web.api.auth import authenticate_for
from web.api.bridge import Blueprint
from web.api.schemas import dashboard as schemas
from web.context import application, signed_in

dashboard = Blueprint("dashboard_figures", __name__, description="How long deals take, and where value waits.")
dashboard.before_request(authenticate_for(Action.VISIT_DASHBOARD))


@dashboard.route("/dashboard")
@dashboard.takes(schemas.DashboardQuery, location="query")
@dashboard.answers(Dashboard)
@dashboard.refuses(HTTPStatus.FORBIDDEN)
def get_dashboard(query: schemas.DashboardQuery) -> Dashboard:
    """Read the figures of the dashboard

    Cycle time and margin are of the deals won in the period, which is the last six months unless asked
    otherwise; what waits, and its planned revenue, is all that waits now. Sums are in one currency, by the
    configuration's exchange rates; `unconverted` lists what has none. Needs the role executive, auditor or
    admin.
    """
    app = application()
    return read_dashboard(app.queries, app.uow, app.clock, signed_in().tenant_id, Asked(**query.model_dump()))
