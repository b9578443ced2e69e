"""Plans before anything goes on: a dry run for a document, or for a deal as the CRM has it now."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.reading.preview import PlanPreview
from oppsync.services.insight.commands import PreviewPlan
from web.api import schemas
from web.api.auth import authenticate
from web.api.bridge import Blueprint
from web.context import application, signed_in

plans = Blueprint("plans", __name__, description="What a deal would become. Nothing is written anywhere.")
plans.before_request(authenticate)
OUTSIDE = (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)


@plans.route("/plans/preview", methods=["POST"])
@plans.takes(Opportunity)
@plans.answers(PlanPreview)
@plans.refuses(HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
def preview_document(deal: Opportunity) -> PlanPreview:
    """Say what this deal, open or won, would become

    Every finding, the plan, and who would have to approve. Asks the ERP; nothing is written anywhere.
    """
    return _preview(deal)


@plans.route("/plans/preview")
@plans.takes(schemas.PreviewQuery, location="query")
@plans.answers(PlanPreview)
@plans.refuses(*OUTSIDE)
def preview_record(query: schemas.PreviewQuery) -> PlanPreview:
    """Say what a record of the CRM, open or won, would become

    It is read from the CRM now, and need not be known here. Nothing is written anywhere.
    """
    return _preview(query.record)


@plans.route("/opportunities/<uuid:opportunity_id>/preview")
@plans.answers(PlanPreview)
@plans.refuses(*OUTSIDE)
def preview_opportunity(opportunity_id: UUID) -> PlanPreview:
    """Say what an opportunity would become if it were read and planned now

    It is read from the CRM anew. Nothing is written anywhere; its own plan stays as it is.
    """
    return _preview(opportunity_id)


def _preview(of: Opportunity | UUID | str) -> PlanPreview:
    me = signed_in()
    return application().dispatch(PreviewPlan(me.tenant_id, me.person.id, of))
