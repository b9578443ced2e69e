"""Set-up: the steps to a live installation, the firm's name, a test deal, and going live."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.who_may import Action, may
from oppsync.domain.reading.preview import PlanPreview
from oppsync.domain.reading.set_up import StepShown, may_be_second, set_up
from oppsync.kernel.errors import BusinessError, Conflict, InvalidInput, NotFound, TransientError
from oppsync.services.set_up.commands import GoLive, NameFirm, TryDeal
from web.context import application, signed_in
from web.forms import FormError, posted
from web.pages.plan.plan_view import plan_view
from web.pages.statuses import Shown
from web.problems import Problem

page = Blueprint("set_up", __name__, url_prefix="/set-up")

_DONE = Shown("Done", "good", "tick")
_OPTIONAL = Shown("Optional", "neutral", "ring")
_MISSING = Shown("Missing", "wait", "dot")


@page.get("")
def show() -> ResponseReturnValue:
    return _render()


@page.post("")
def act() -> ResponseReturnValue:
    match posted("action"):
        case Action.NAME_FIRM:
            return _name_firm()
        case Action.TRY_DEAL:
            return _try_deal()
        case Action.GO_LIVE:
            return _go_live()
    raise Problem(HTTPStatus.BAD_REQUEST, "UNKNOWN_ACTION", "This page does not offer that action.")


def _name_firm() -> ResponseReturnValue:
    me, name, zone = signed_in(), posted("name"), posted("time_zone")
    try:
        application().dispatch(NameFirm(me.tenant_id, me.person.id, name, zone))
    except InvalidInput as error:
        typed = {"name": name, "time_zone": zone}
        errors = [FormError(error.field, error.message)]
        return _render(errors=errors, typed=typed), HTTPStatus.UNPROCESSABLE_ENTITY
    return redirect(url_for(".show"), HTTPStatus.SEE_OTHER)


def _try_deal() -> ResponseReturnValue:
    """What the deal would become is shown in the answer itself."""
    me, record = signed_in(), posted("record")
    try:
        preview = application().dispatch(TryDeal(me.tenant_id, me.person.id, record))
    except (InvalidInput, NotFound, BusinessError, TransientError) as error:
        errors = [FormError("record", error.message)]
        return _render(errors=errors, record=record), HTTPStatus.UNPROCESSABLE_ENTITY
    return _render(preview=preview, record=record)


def _go_live() -> ResponseReturnValue:
    me, second = signed_in(), posted("second")
    try:
        if posted("sure") != "yes":
            raise InvalidInput("Tick that you know what changes.", field="sure")
        application().dispatch(GoLive(me.tenant_id, me.person.id, second))
    except InvalidInput as error:
        errors = [FormError(error.field, error.message)]
        return _render(errors=errors, second=second), HTTPStatus.UNPROCESSABLE_ENTITY
    except Conflict as conflict:
        return _render(notice=conflict.message), HTTPStatus.CONFLICT
    return redirect(url_for(".show"), HTTPStatus.SEE_OTHER)


def status_of(step: StepShown) -> Shown:
    if step.is_done:
        return _DONE
    return _OPTIONAL if step.is_optional else _MISSING


def _render(*, errors: list[FormError] | None = None, preview: PlanPreview | None = None, **more: Any) -> str:
    me = signed_in()
    facts = application().queries.set_up_facts(me.tenant_id)
    shown = set_up(facts)
    return render_template(
        "set_up/set_up.html",
        shown=shown,
        steps=[(step, status_of(step)) for step in shown.steps],
        done=sum(step.is_done for step in shown.steps if not step.is_optional),
        needed=sum(not step.is_optional for step in shown.steps),
        errors=errors or [],
        preview=preview,
        view=plan_view(preview.plan, 1) if preview and preview.plan else None,
        seconds=may_be_second(facts, me.person),
        zones=_zones(),
        may_name=may(me.person, Action.NAME_FIRM),
        may_go_live=may(me.person, Action.GO_LIVE),
        **{"typed": {}, "record": "", "second": "", "notice": "", **more},
    )


@cache
def _zones() -> tuple[str, ...]:
    """Zones by their places, and UTC: other names of the list are older spellings of these."""
    return ("UTC", *sorted(zone for zone in available_timezones() if "/" in zone and zone[:4] != "Etc/"))
