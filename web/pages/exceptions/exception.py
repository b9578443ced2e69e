"""One exception: what happened, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import (
    RIGHTS,
    Action,
    is_within,
    limits_in_words,
    may,
    needed_for,
    outside_in_words,
)
from oppsync.domain.configuration.files import FILES
from oppsync.domain.deal.place import place_of
from oppsync.domain.plan.overrides import OverrideField
from oppsync.domain.reading.readings import OpportunityDetail
from oppsync.domain.validation.confirmations import confirmable
from oppsync.domain.values.actor import actor_name, is_stage
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.limits import Place
from oppsync.domain.work.exceptions import ExceptionItem
from oppsync.domain.work.states import COMPENSABLE, State
from oppsync.kernel.bus import Command
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.services.changes.commands import OverridePlan, PlanAnew
from oppsync.services.queue.commands import (
    Compensate,
    ConfirmFindings,
    DismissException,
    LinkCustomer,
    ReplayException,
)
from web.access.access import kept_input
from web.context import application, signed_in
from web.forms import FormError, posted, too_long
from web.pages.exceptions.actions import Way, connections_of, may_be_overridden, remedy_of
from web.problems import Problem

page = Blueprint("exception_page", __name__, url_prefix="/exceptions")
# The field that holds an action's text.
REASON_OF: dict[str, str] = {
    Action.COMPENSATE: "given_up_because",
    Action.PLAN_ANEW: "planned_anew_because",
    Action.CONFIRM: "confirmed_because",
    Action.LINK_CUSTOMER: "customer",
    Action.OVERRIDE_PLAN: "overridden_because",
}
# The inputs of an override, beside its reason.
_OVERRIDE_INPUTS = ("workstream", "field", "value")
LATEST_CALLS = 20


@page.get("/<uuid:item_id>")
def show(item_id: UUID) -> ResponseReturnValue:
    item = application().queries.exception(signed_in().tenant_id, item_id)
    return _page(item, kept_input())


@page.post("/<uuid:item_id>")
def act(item_id: UUID) -> ResponseReturnValue:
    """Replay, confirm, give up or dismiss, by the pressed button; then 303 to the same address."""
    me = signed_in()
    item = application().queries.exception(me.tenant_id, item_id)
    action = posted("action")
    field = REASON_OF.get(action, "reason")
    reason = posted(field)
    command = _command(item, action, reason)
    errors = too_long(field, reason)
    kept = {field: reason, **{name: posted(name) for name in _OVERRIDE_INPUTS}}
    if errors:
        return _page(item, kept, errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        application().dispatch(command)
    except InvalidInput as error:
        at = error.field if error.field in _OVERRIDE_INPUTS else field
        errors = [FormError(at, error.message)]
        return _page(item, kept, errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY
    except Conflict as conflict:
        item = application().queries.exception(me.tenant_id, item_id)
        return _page(item, kept, notice=conflict.message), HTTPStatus.CONFLICT
    return redirect(url_for(".show", item_id=item_id), HTTPStatus.SEE_OTHER)


def _command(item: ExceptionItem, action: str, reason: str) -> Command[Any]:
    """The command of the pressed button. Raises a 400 problem for a button that this item's page does not
    have."""
    tenant, me = item.tenant_id, signed_in().person.id
    match action:
        case Action.REPLAY:
            return ReplayException(tenant, item.id, me)
        case Action.DISMISS:
            return DismissException(tenant, item.id, me, reason)
        case Action.CONFIRM:
            return ConfirmFindings(tenant, item.id, me, reason)
        case Action.LINK_CUSTOMER:
            return LinkCustomer(tenant, item.id, me, reason)
    found = _of_deal(tenant, item.opportunity_id, action, reason) if item.opportunity_id is not None else None
    if found is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "UNKNOWN_ACTION", "This page does not offer that action.")
    return found


def _of_deal(tenant: str, deal: UUID, action: str, reason: str) -> Command[Any] | None:
    """The same for what is done with the item's deal."""
    me = signed_in().person.id
    match action:
        case Action.OVERRIDE_PLAN if posted("field") in set(OverrideField):
            field = OverrideField(posted("field"))
            return OverridePlan(tenant, deal, me, posted("workstream"), field, posted("value"), reason)
        case Action.PLAN_ANEW:
            return PlanAnew(tenant, deal, me, reason, bool(posted("ask_again")))
        case Action.COMPENSATE:
            return Compensate(tenant, deal, me, reason)
    return None


def _page(
    item: ExceptionItem,
    kept: Mapping[str, str] = MappingProxyType({}),
    *,
    errors: list[FormError] | None = None,
    notice: str = "",
) -> str:
    me, queries = signed_in(), application().queries
    known = item.opportunity_id
    opportunity = queries.opportunity(me.tenant_id, known) if known else None
    effects = queries.effects(me.tenant_id, known) if known else ()
    place = place_of(opportunity.record) if opportunity else None
    approved = opportunity is not None and opportunity.stands_at in COMPENSABLE
    calls = queries.vendor_calls(me.tenant_id, known) if known else ()
    remedy = remedy_of(item)
    possible = {
        Action.REPLAY: True,
        Action.DISMISS: True,
        Action.CONFIRM: bool(confirmable(item.findings)),
        Action.LINK_CUSTOMER: Way.LINK_CUSTOMER in remedy.ways and not any(row.may_exist for row in effects),
        Action.OVERRIDE_PLAN: Way.OVERRIDE in remedy.ways and may_be_overridden(opportunity),
        Action.PLAN_ANEW: approved,
        Action.COMPENSATE: _compensable(opportunity, exists=any(row.may_exist for row in effects)),
    }
    return render_template(
        "exceptions/exception.html",
        item=item,
        closed_by=actor_name(item.closed_by or ""),
        closed_by_itself=is_stage(item.closed_by or ""),
        opportunity=opportunity,
        effects=[row for row in effects if row.kind is not EffectKind.NOTIFICATION],
        offered=[
            action
            for action, is_so in possible.items()
            if is_so and may(me.person, action) and is_within(me.person, action, place)
        ],
        needed=_needed(me.person, place),
        to_edit=[(kind, FILES[kind].name) for kind in remedy.rows],
        ways=remedy.ways,
        connections=connections_of(item, opportunity, calls),
        may_test=may(me.person, Action.INSPECT_CONNECTION),
        calls=calls[-LATEST_CALLS:],
        workstreams=_workstreams(opportunity),
        override_fields=tuple(OverrideField),
        kept=kept,
        reason=kept.get("reason", ""),
        planned_anew_because=kept.get("planned_anew_because", ""),
        given_up_because=kept.get("given_up_because", ""),
        confirmed_because=kept.get("confirmed_because", ""),
        ask_again=bool(posted("ask_again")),
        to_confirm=confirmable(item.findings),
        errors=errors or [],
        notice=notice,
    )


def _workstreams(opportunity: OpportunityDetail | None) -> list[tuple[str, str]]:
    """What an override can be about: a workstream's key, and what people call it. A line that was split has
    keys of its own, which are typed."""
    record = opportunity.record if opportunity else None
    return [(line.id, line.title) for line in record.lines] if record else []


def _needed(person: Person, place: Place | None) -> str:
    """Why somebody is offered nothing. `place` None: it is about no deal that was read."""
    if not may(person, Action.REPLAY):
        return needed_for(Action.REPLAY)
    roles = RIGHTS[Action.REPLAY].roles
    if place is None:
        return f"You are {limits_in_words(person, roles)}: somebody without that limit has to do this."
    return outside_in_words(person, roles, place)


def _compensable(opportunity: OpportunityDetail | None, *, exists: bool) -> bool:
    if opportunity is None or opportunity.state is not State.PARKED:
        return False
    return exists or opportunity.stands_at in COMPENSABLE
