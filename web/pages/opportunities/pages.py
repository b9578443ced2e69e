"""Opportunities: where each is, since when, who acts next; and one with its plan, numbers and timeline."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.states import State
from oppsync.kernel.errors import NotFound
from web.access.access import guard
from web.context import application, signed_in
from web.pages.plan.plan_view import PlanView, plan_view

opportunities = Blueprint("opportunities_pages", __name__, url_prefix="/opportunities")
READERS = frozenset(PersonRole)
guard(opportunities, READERS)


@opportunities.get("")
def index() -> ResponseReturnValue:
    state = _state(request.args.get("state", ""))
    text = request.args.get("text", "").strip()[:200].replace("\x00", "")
    page = application().queries.opportunities(
        signed_in().tenant_id, state=state, text=text or None, after=request.args.get("cursor")
    )
    return render_template(
        "opportunities/index.html", page=page, state=state, text=text, filtered=bool(state or text)
    )


@opportunities.get("/<uuid:opportunity_id>")
def show(opportunity_id: UUID) -> ResponseReturnValue:
    tenant, queries = signed_in().tenant_id, application().queries
    opportunity = queries.opportunity(tenant, opportunity_id)
    return render_template(
        "opportunities/page.html",
        opportunity=opportunity,
        view=_plan(tenant, opportunity_id),
        exceptions=queries.exceptions(tenant, opportunity_id=opportunity_id).rows,
        approvals=queries.approvals(tenant, opportunity_id=opportunity_id).rows,
        effects=queries.effects(tenant, opportunity_id),
        timeline=queries.timeline(tenant, opportunity_id),
        calls=queries.vendor_calls(tenant, opportunity_id),
    )


def _plan(tenant: str, opportunity_id: UUID) -> PlanView | None:
    try:
        reading = application().queries.plan(tenant, opportunity_id)
    except NotFound:
        return None
    return plan_view(reading.plan, reading.number)


def _state(text: str) -> State | None:
    return State(text) if text in set(State) else None
