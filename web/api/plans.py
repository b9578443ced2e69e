"""Plans before anything goes on: a dry run for a document, or for a deal as the CRM has it now."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.reading.preview import PlanPreview
from oppsync.services.insight.commands import PreviewPlan
from web.access.dear_calls import spend_dear_call
from web.api.auth import authenticate
from web.api.bridge import Blueprint
from web.api.schemas import plans as schemas
from web.context import application, signed_in

plans = Blueprint("plans", __name__, description="Previews of plans. Nothing is written anywhere.")
plans.before_request(authenticate)
LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
OUTSIDE = (HTTPStatus.NOT_FOUND, *LATER)


@plans.route("/plans/preview", methods=["POST"])
@plans.takes(Opportunity)
@plans.answers(PlanPreview)
@plans.refuses(*LATER)
def preview_document(deal: Opportunity) -> PlanPreview:
    """Preview the plan of this deal, open or won

    Every finding, the plan, and who would have to approve. Asks the ERP; nothing is written anywhere.
    """
    return _preview(deal)


@plans.route("/plans/preview")
@plans.takes(schemas.PreviewQuery, location="query")
@plans.answers(PlanPreview)
@plans.refuses(*OUTSIDE)
def preview_record(query: schemas.PreviewQuery) -> PlanPreview:
    """Preview the plan of a CRM record, open or won

    The record is read from the CRM now, and need not be known here. Nothing is written anywhere.
    """
    return _preview(query.record)


@plans.route("/opportunities/<uuid:opportunity_id>/preview")
@plans.answers(PlanPreview)
@plans.refuses(*OUTSIDE)
def preview_opportunity(opportunity_id: UUID) -> PlanPreview:
    """Preview the plan of an opportunity as if it were read and planned now

    The record is read from the CRM again. Nothing is written anywhere; its own plan stays as it is.
    """
    return _preview(opportunity_id)


def _preview(of: Opportunity | UUID | str) -> PlanPreview:
    spend_dear_call()
    me = signed_in()
    return application().dispatch(PreviewPlan(me.tenant_id, me.asker, of))
