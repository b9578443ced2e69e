"""One opportunity with its plan, numbers and timeline."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from oppsync.domain.plan.tampering import PlanTampered
from oppsync.kernel.errors import NotFound
from web.context import application, signed_in
from web.pages.plan.plan_view import PlanView, plan_view

NO_PLAN = "No plan yet: it is made once the opportunity is validated and enriched."

page = Blueprint("opportunity_page", __name__, url_prefix="/opportunities")


@page.get("/<uuid:opportunity_id>")
def show(opportunity_id: UUID) -> ResponseReturnValue:
    tenant, queries = signed_in().tenant_id, application().queries
    view, no_plan = _plan(tenant, opportunity_id)
    opportunity = queries.opportunity(tenant, opportunity_id)
    return render_template(
        "opportunities/opportunity.html",
        opportunity=opportunity,
        view=view,
        no_plan=no_plan,
        exceptions=queries.exceptions(tenant, opportunity_id=opportunity_id).rows,
        approvals=queries.approvals(tenant, opportunity_id=opportunity_id).rows,
        effects=queries.effects(tenant, opportunity_id),
        timeline=queries.timeline(tenant, opportunity_id),
        calls=queries.vendor_calls(tenant, opportunity_id),
    )


def _plan(tenant: str, opportunity_id: UUID) -> tuple[PlanView | None, str]:
    """The plan, or why none is shown. The rest of the page is needed most when somebody changed the plan."""
    try:
        reading = application().queries.plan(tenant, opportunity_id)
    except NotFound:
        return None, NO_PLAN
    except PlanTampered as error:
        return None, error.message
    return plan_view(reading.plan, reading.number), ""
