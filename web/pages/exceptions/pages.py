"""Exceptions: what waits for a person, and one with what happened, why, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.values.actor import actor_name, person_actor
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus
from oppsync.domain.work.states import COMPENSABLE, State
from oppsync.kernel.bus import Command
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput
from oppsync.services.queue.commands import Compensate, DismissException, ReplayException
from web.access.access import guard, in_words, kept_input, may
from web.context import application, signed_in
from web.pages.forms import FormError, posted, too_long

exceptions = Blueprint("exceptions_pages", __name__, url_prefix="/exceptions")
WORKERS = frozenset({PersonRole.OPERATIONS, PersonRole.INTEGRATION_ADMIN})
READERS = WORKERS | {PersonRole.AUDITOR}
# The field that holds the words of an action.
REASON_OF = {"compensate": "given_up_because"}
guard(exceptions, READERS)


@exceptions.get("")
def index() -> ResponseReturnValue:
    view = request.args.get("view", ExceptionStatus.OPEN)
    status = ExceptionStatus(view) if view in set(ExceptionStatus) else ExceptionStatus.OPEN
    page = application().queries.exceptions(
        signed_in().tenant_id, status=status, after=request.args.get("cursor")
    )
    return render_template("exceptions/index.html", page=page, view=status, views=tuple(ExceptionStatus))


@exceptions.get("/<uuid:item_id>")
def show(item_id: UUID) -> ResponseReturnValue:
    item = application().queries.exception(signed_in().tenant_id, item_id)
    return _page(item, kept_input())


@exceptions.post("/<uuid:item_id>")
def act(item_id: UUID) -> ResponseReturnValue:
    """Replay, give up or dismiss, as the pressed button says; then 303 to the same address."""
    me = signed_in()
    if not may(me.person, WORKERS):
        raise Forbidden(f"This needs the role {in_words(WORKERS)}. An administrator gives it.")
    item = application().queries.exception(me.tenant_id, item_id)
    field = REASON_OF.get(posted("action"), "reason")
    reason = posted(field)
    errors = too_long(field, reason)
    if errors:
        return _page(item, {field: reason}, errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        application().dispatch(_command(item, posted("action"), reason))
    except InvalidInput as error:
        errors = [FormError(field, error.message)]
        return _page(item, {field: reason}, errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY
    except Conflict as conflict:
        item = application().queries.exception(me.tenant_id, item_id)
        return _page(item, {field: reason}, notice=conflict.message), HTTPStatus.CONFLICT
    return redirect(url_for(".show", item_id=item_id), HTTPStatus.SEE_OTHER)


def _command(item: ExceptionItem, action: str, reason: str) -> Command[None]:
    tenant, actor = item.tenant_id, person_actor(signed_in().person.email)
    if action == "replay":
        return ReplayException(tenant, item.id, actor)
    if action == "compensate" and item.opportunity_id is not None:
        return Compensate(tenant, item.opportunity_id, actor, reason)
    return DismissException(tenant, item.id, actor, reason)


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
    return render_template(
        "exceptions/page.html",
        item=item,
        closed_by=actor_name(item.closed_by or ""),
        opportunity=opportunity,
        effects=[row for row in effects if row.kind is not EffectKind.NOTIFICATION],
        compensable=opportunity is not None
        and opportunity.state is State.PARKED
        and opportunity.stands_at in COMPENSABLE,
        works=may(me.person, WORKERS),
        workers=in_words(WORKERS),
        reason=kept.get("reason", ""),
        given_up_because=kept.get("given_up_because", ""),
        errors=errors or [],
        notice=notice,
    )
