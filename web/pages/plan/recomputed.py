"""A stored plan made again from what was kept of it, beside the plan."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from oppsync.kernel.errors import Conflict
from oppsync.services.insight.commands import RecomputePlan
from web.context import application, signed_in

page = Blueprint("plan_recomputed", __name__, url_prefix="/opportunities")


@page.get("/<uuid:opportunity_id>/plans/<plan_hash>/recomputed")
def show(opportunity_id: UUID, plan_hash: str) -> ResponseReturnValue:
    me = signed_in()
    reading = application().queries.plan(me.tenant_id, opportunity_id, plan_hash)
    opportunity = application().queries.opportunity(me.tenant_id, opportunity_id)
    found, refused = None, ""
    try:
        found = application().dispatch(RecomputePlan(me.tenant_id, me.asker, opportunity_id, plan_hash))
    except Conflict as conflict:
        refused = conflict.message
    shown = render_template(
        "opportunities/recomputed.html",
        opportunity=opportunity,
        number=reading.number,
        found=found,
        refused=refused,
    )
    return shown, HTTPStatus.OK if found else HTTPStatus.CONFLICT
