"""Exceptions: what waits for a person, and one with what happened, why, and what to do."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approvals import PersonRole
from oppsync.domain.exceptions import ExceptionItem, ExceptionStatus
from oppsync.errors import Conflict, Forbidden, InvalidInput
from oppsync.services.commands import DismissException, ReplayException
from web.context import application, signed_in
from web.pages.access import guard, in_words, kept_input, may
from web.pages.forms import FormError, posted, too_long

exceptions = Blueprint("exceptions_pages", __name__, url_prefix="/exceptions")
WORKERS = frozenset({PersonRole.OPERATIONS, PersonRole.INTEGRATION_ADMIN})
READERS = WORKERS | {PersonRole.AUDITOR}
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
    return _page(item, reason=kept_input().get("reason", ""))


@exceptions.post("/<uuid:item_id>")
def act(item_id: UUID) -> ResponseReturnValue:
    """Replay or dismiss, as the pressed button says; then 303 to the same address."""
    me = signed_in()
    if not may(me.person, WORKERS):
        raise Forbidden(f"This needs the role {in_words(WORKERS)}. An administrator gives it.")
    item = application().queries.exception(me.tenant_id, item_id)
    actor, reason = f"person:{me.person.email}", posted("reason")
    replays = posted("action") == "replay"
    errors = too_long("reason", reason)
    if errors:
        return _page(item, reason, errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        if replays:
            application().dispatch(ReplayException(me.tenant_id, item_id, actor))
        else:
            application().dispatch(DismissException(me.tenant_id, item_id, actor, reason))
    except InvalidInput as error:
        errors = [FormError(error.field, error.message)]
        return _page(item, reason, errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY
    except Conflict as conflict:
        item = application().queries.exception(me.tenant_id, item_id)
        return _page(item, reason, notice=conflict.message), HTTPStatus.CONFLICT
    return redirect(url_for(".show", item_id=item_id), HTTPStatus.SEE_OTHER)


def _page(
    item: ExceptionItem, reason: str = "", *, errors: list[FormError] | None = None, notice: str = ""
) -> str:
    me = signed_in()
    opportunity = (
        None
        if item.opportunity_id is None
        else application().queries.opportunity(me.tenant_id, item.opportunity_id)
    )
    return render_template(
        "exceptions/page.html",
        item=item,
        opportunity=opportunity,
        works=may(me.person, WORKERS),
        workers=in_words(WORKERS),
        reason=reason,
        errors=errors or [],
        notice=notice,
    )
