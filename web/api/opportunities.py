"""Opportunities with their timeline, plan and effects."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from uuid import UUID

from oppsync.domain.plan.baseline import Baseline
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.reading.plan_changes import PlanChanges, changes_between
from oppsync.domain.reading.readings import OpportunityDetail, OpportunitySummary, Page, PlanReading
from oppsync.domain.reading.recomputed import Recomputed
from oppsync.domain.reading.why import PlanReasons, why
from oppsync.kernel.errors import NotFound
from oppsync.services.changes.commands import OverridePlan, PlanAnew
from oppsync.services.insight.commands import RecomputePlan
from oppsync.services.queue.commands import Compensate
from web.access.dear_calls import spend_dear_call
from web.api.auth import authenticate
from web.api.bridge import Blueprint
from web.api.schemas import opportunities as schemas
from web.context import application, signed_in

opportunities = Blueprint("opportunities", __name__, description="Won deals on their way to projects.")
opportunities.before_request(authenticate)


@opportunities.route("/opportunities")
@opportunities.takes(schemas.OpportunityQuery, location="query")
@opportunities.answers(schemas.OpportunityPage)
def list_opportunities(query: schemas.OpportunityQuery) -> Page[OpportunitySummary]:
    """List opportunities, newest first"""
    return application().queries.opportunities(
        signed_in().tenant_id,
        state=query.state,
        text=query.text,
        wanted=query.wanted,
        after=query.cursor,
        limit=query.limit,
    )


@opportunities.route("/opportunities/<uuid:opportunity_id>")
@opportunities.answers(schemas.OpportunityView)
@opportunities.refuses(HTTPStatus.NOT_FOUND)
def get_opportunity(opportunity_id: UUID) -> OpportunityDetail:
    """Read one opportunity"""
    return application().queries.opportunity(signed_in().tenant_id, opportunity_id)


@opportunities.route("/opportunities/<uuid:opportunity_id>/timeline")
@opportunities.answers(schemas.Timeline)
@opportunities.refuses(HTTPStatus.NOT_FOUND)
def get_timeline(opportunity_id: UUID) -> Mapping[str, object]:
    """Read what happened to an opportunity, oldest first"""
    tenant = signed_in().tenant_id
    application().queries.opportunity(tenant, opportunity_id)
    return {"rows": application().queries.timeline(tenant, opportunity_id)}


@opportunities.route("/opportunities/<uuid:opportunity_id>/plan")
@opportunities.takes(schemas.PlanQuery, location="query")
@opportunities.answers(PlanReading)
@opportunities.refuses(HTTPStatus.NOT_FOUND)
def get_plan(query: schemas.PlanQuery, opportunity_id: UUID) -> PlanReading:
    """Read the current plan, or the one of a hash"""
    return application().queries.plan(signed_in().tenant_id, opportunity_id, query.hash)


@opportunities.route("/opportunities/<uuid:opportunity_id>/plan/changes")
@opportunities.takes(schemas.PlanChangesQuery, location="query")
@opportunities.answers(PlanChanges)
@opportunities.refuses(HTTPStatus.NOT_FOUND)
def get_plan_changes(query: schemas.PlanChangesQuery, opportunity_id: UUID) -> PlanChanges:
    """Read what the current plan says otherwise than an earlier one, field by field

    Without `since` it is compared with the approved plan in whose place the deal is planned anew.
    """
    tenant, queries = signed_in().tenant_id, application().queries
    since = query.since or queries.opportunity(tenant, opportunity_id).replaces
    if since is None:
        raise NotFound("This deal's plan was not made in place of another: name an earlier plan's hash.")
    return changes_between(
        queries.plan(tenant, opportunity_id, since).plan, queries.plan(tenant, opportunity_id).plan
    )


@opportunities.route("/opportunities/<uuid:opportunity_id>/plan/why")
@opportunities.takes(schemas.WhyQuery, location="query")
@opportunities.answers(PlanReasons)
@opportunities.refuses(HTTPStatus.NOT_FOUND)
def get_reasons(query: schemas.WhyQuery, opportunity_id: UUID) -> PlanReasons:
    """Read where a plan's value came from, or each value below a place

    The rule, the fields of the CRM's record, the reference rows with their first day and version.
    """
    reading = application().queries.plan(signed_in().tenant_id, opportunity_id, query.hash)
    return why(reading.plan, query.place)


@opportunities.route("/opportunities/<uuid:opportunity_id>/plans/<plan_hash>/recomputed")
@opportunities.answers(Recomputed)
@opportunities.refuses(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
def recompute_plan(opportunity_id: UUID, plan_hash: str) -> Recomputed:
    """Make a stored plan again from what was kept of it, by the configuration that made it

    `is_same` says whether it is equal bit for bit; `changes` what this release computes otherwise.
    """
    spend_dear_call()
    me = signed_in()
    return application().dispatch(RecomputePlan(me.tenant_id, me.asker, opportunity_id, plan_hash))


@opportunities.route("/opportunities/<uuid:opportunity_id>/effects")
@opportunities.answers(schemas.Effects)
@opportunities.refuses(HTTPStatus.NOT_FOUND)
def get_effects(opportunity_id: UUID) -> Mapping[str, object]:
    """Read what was written outside for an opportunity"""
    tenant = signed_in().tenant_id
    application().queries.opportunity(tenant, opportunity_id)
    return {"rows": application().queries.effects(tenant, opportunity_id)}


@opportunities.route("/opportunities/<uuid:opportunity_id>/calls")
@opportunities.answers(schemas.VendorCalls)
@opportunities.refuses(HTTPStatus.NOT_FOUND)
def get_calls(opportunity_id: UUID) -> Mapping[str, object]:
    """Read the calls to other systems for an opportunity, with their answers

    The latest two hundred calls, oldest first. Bodies are without secrets and personal data; long ones are cut.
    """
    tenant = signed_in().tenant_id
    application().queries.opportunity(tenant, opportunity_id)
    return {"rows": application().queries.vendor_calls(tenant, opportunity_id)}


@opportunities.route("/opportunities/<uuid:opportunity_id>/baseline")
@opportunities.answers(Baseline)
@opportunities.refuses(HTTPStatus.NOT_FOUND)
def get_baseline(opportunity_id: UUID) -> Baseline:
    """Read budget, cost, margin, dates and schedules as they were frozen when the deal became active"""
    return application().queries.baseline(signed_in().tenant_id, opportunity_id)


@opportunities.route("/opportunities/<uuid:opportunity_id>/overrides")
@opportunities.answers(schemas.Overrides)
@opportunities.refuses(HTTPStatus.NOT_FOUND)
def get_overrides(opportunity_id: UUID) -> Mapping[str, object]:
    """Read the overrides of a plan's workstreams"""
    tenant = signed_in().tenant_id
    application().queries.opportunity(tenant, opportunity_id)
    return {"rows": application().queries.overrides(tenant, opportunity_id)}


@opportunities.route("/opportunities/<uuid:opportunity_id>/overrides", methods=["POST"])
@opportunities.takes(schemas.OverrideRequest)
@opportunities.answers(PlanOverride)
@opportunities.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def override_plan(request: schemas.OverrideRequest, opportunity_id: UUID) -> PlanOverride:
    """Override a field of a workstream before the plan is approved

    The plan is made again and its approvals so far are void; the person who changed it may not approve it.
    Needs the role operations, finance approver or delivery approver.
    """
    me = signed_in()
    command = OverridePlan(
        tenant_id=me.tenant_id,
        opportunity_id=opportunity_id,
        actor=me.asker,
        workstream=request.workstream,
        field=request.field,
        value=request.value,
        reason=request.reason,
    )
    return application().dispatch(command)


@opportunities.route("/opportunities/<uuid:opportunity_id>/plan-anew", methods=["POST"])
@opportunities.takes(schemas.PlanAnewRequest)
@opportunities.answers(schemas.OpportunityView)
@opportunities.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def plan_anew(request: schemas.PlanAnewRequest, opportunity_id: UUID) -> OpportunityDetail:
    """Plan a deal anew with today's data, while its approval is waited for or before it is active

    A plan with the same hash keeps its approvals, unless `ask_again` is set; another one is asked for. What
    exists outside is then taken over where it is equal, changed where it differs, and closed where the new
    plan has it no longer.
    Needs the role operations or integration admin.
    """
    me = signed_in()
    application().dispatch(PlanAnew(me.tenant_id, opportunity_id, me.asker, request.reason, request.ask_again))
    return application().queries.opportunity(me.tenant_id, opportunity_id)


@opportunities.route("/opportunities/<uuid:opportunity_id>/compensate", methods=["POST"])
@opportunities.takes(schemas.CompensateRequest)
@opportunities.answers(schemas.OpportunityView)
@opportunities.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def compensate(request: schemas.CompensateRequest, opportunity_id: UUID) -> OpportunityDetail:
    """Give up a deal that is parked after its approval

    What was created is closed in reverse order, the reason is sent to the CRM, and the deal is withdrawn.
    Needs the role operations or integration admin.
    """
    me = signed_in()
    command = Compensate(me.tenant_id, opportunity_id, me.asker, request.reason)
    application().dispatch(command)
    return application().queries.opportunity(me.tenant_id, opportunity_id)
