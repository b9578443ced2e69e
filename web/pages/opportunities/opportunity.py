"""One opportunity with its plan, numbers and timeline; plan it anew."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.who_may import Action, is_within, may
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.deal.field_words import field_words
from oppsync.domain.deal.place import place_of
from oppsync.domain.deal.since_approval import line_named
from oppsync.domain.plan.tampering import PlanTampered
from oppsync.domain.reading.readings import OpportunityDetail
from oppsync.domain.work.states import PLANNABLE_ANEW
from oppsync.kernel.errors import Conflict, InvalidInput, NotFound
from oppsync.services.changes.commands import PlanAnew
from web.access.access import kept_input
from web.context import application, signed_in
from web.forms import FormError, posted, too_long
from web.pages.plan.plan_view import PlanView, plan_view
from web.pages.plan.replaced import replaced_by
from web.pages.timeline import facts

NO_PLAN = "No plan yet: it is made once the opportunity is validated and enriched."

page = Blueprint("opportunity_page", __name__, url_prefix="/opportunities")


@page.get("/<uuid:opportunity_id>")
def show(opportunity_id: UUID) -> ResponseReturnValue:
    return _page(opportunity_id, kept_input().get("reason", ""))


@page.post("/<uuid:opportunity_id>/plan-anew")
def plan_anew(opportunity_id: UUID) -> ResponseReturnValue:
    """Plan it anew, then 303 to its page."""
    me, reason, ask_again = signed_in(), posted("reason"), bool(posted("ask_again"))
    errors = too_long("reason", reason)
    try:
        if not errors:
            application().dispatch(PlanAnew(me.tenant_id, opportunity_id, me.person.id, reason, ask_again))
    except InvalidInput as error:
        errors = [FormError("reason", error.message)]
    except Conflict as conflict:
        return _page(opportunity_id, reason, notice=conflict.message), HTTPStatus.CONFLICT
    if errors:
        return _page(opportunity_id, reason, errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY
    return redirect(url_for(".show", opportunity_id=opportunity_id), HTTPStatus.SEE_OTHER)


def _page(
    opportunity_id: UUID, reason: str = "", *, errors: list[FormError] | None = None, notice: str = ""
) -> str:
    tenant, queries = signed_in().tenant_id, application().queries
    view, no_plan, other = _plan(tenant, opportunity_id)
    opportunity = queries.opportunity(tenant, opportunity_id)
    replaces = opportunity.replaces
    return render_template(
        "opportunities/opportunity.html",
        opportunity=opportunity,
        changes=_changes(opportunity),
        view=view,
        no_plan=no_plan,
        replaced=replaced_by(tenant, opportunity_id, replaces, view.plan) if view else None,
        configuration_now=other if opportunity.stands_at in PLANNABLE_ANEW else None,
        may_plan_anew=opportunity.stands_at in PLANNABLE_ANEW and _may_plan_anew(opportunity),
        exceptions=queries.exceptions(tenant, opportunity_id=opportunity_id).rows,
        approvals=queries.approvals(tenant, opportunity_id=opportunity_id).rows,
        effects=queries.effects(tenant, opportunity_id),
        timeline=[(entry, facts(entry)) for entry in queries.timeline(tenant, opportunity_id)],
        calls=queries.vendor_calls(tenant, opportunity_id),
        reason=reason,
        ask_again=bool(posted("ask_again")),
        errors=errors or [],
        notice=notice,
    )


def _may_plan_anew(opportunity: OpportunityDetail) -> bool:
    person, action = signed_in().person, Action.PLAN_ANEW
    return may(person, action) and is_within(person, action, place_of(opportunity.record))


class _Change(NamedTuple):
    """A field in words, what was approved, and what the CRM says now."""

    field: str
    approved: str
    now: str


def _changes(detail: OpportunityDetail) -> list[_Change]:
    record, approved = detail.record, detail.approved_record
    if record is None or approved is None:
        return []
    return [
        _Change(
            f"{field_words(each.field).label}{line_named(each.field, approved, record)}",
            *each.shown(approved, record),
        )
        for each in detail.changes_since_approval
    ]


def _plan(tenant: str, opportunity_id: UUID) -> tuple[PlanView | None, str, ConfigurationUse | None]:
    """The plan, or why none is shown; and the version that holds now where another one made it. The rest of the
    page is needed most when somebody changed the plan."""
    try:
        reading = application().queries.plan(tenant, opportunity_id)
    except NotFound:
        return None, NO_PLAN, None
    except PlanTampered as error:
        return None, error.message, None
    return plan_view(reading.plan, reading.number), "", reading.configuration_now
