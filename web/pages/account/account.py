"""One's own account: password, sessions, API tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.values.scopes import SCOPE_TEXTS, TOKEN_LASTS, Scope
from oppsync.domain.work.attempts import AttemptKind
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound, TooManyAttempts
from oppsync.services.admin.commands import (
    ChangePassword,
    CreateToken,
    EndSession,
    RevokeToken,
    SignOutEverywhere,
)
from oppsync.services.admin.passwords import SHORTEST_PASSWORD
from oppsync.services.admin.secret_hash import hash_secret
from oppsync.services.admin.session_life import IDLE, SESSION_LASTS
from oppsync.services.admin.tokens import LONGEST_NAME
from web.access.access import session_secret
from web.access.attempts import address, note
from web.access.sign_in import too_many_attempts, without_session
from web.context import application, signed_in
from web.forms import FormError, posted
from web.pages.account.devices import device
from web.pages.account.second_factor import recovery_in_words
from web.problems import Problem

page = Blueprint("account", __name__, url_prefix="/account")
DAYS = {30: "30 days", 90: "90 days", 365: "A year", 730: "Two years"}
NOTICES = {
    "password": "Your password is changed, and you are signed out everywhere else.",
    "session": "The session is ended.",
    "token": "The token is revoked.",
}


class Action(StrEnum):
    CHANGE_PASSWORD = "change_password"  # noqa: S105
    SIGN_OUT_EVERYWHERE = "sign_out_everywhere"
    END_SESSION = "end_session"
    CREATE_TOKEN = "create_token"  # noqa: S105
    REVOKE_TOKEN = "revoke_token"  # noqa: S105


@page.get("")
def show() -> ResponseReturnValue:
    return _render(notice=NOTICES.get(request.args.get("done", ""), ""))


@page.post("")
def act() -> ResponseReturnValue:
    me = signed_in()
    match request.form.get("action"):
        case Action.CHANGE_PASSWORD:
            return _change_password()
        case Action.SIGN_OUT_EVERYWHERE:
            return _sign_out_everywhere()
        case Action.END_SESSION:
            application().dispatch(EndSession(me.tenant_id, me.person.id, _session_id()))
            return _done("session")
        case Action.CREATE_TOKEN:
            return _create_token()
        case Action.REVOKE_TOKEN:
            application().dispatch(RevokeToken(me.tenant_id, me.person.id, posted("token")))
            return _done("token")
    raise Problem(HTTPStatus.BAD_REQUEST, "UNKNOWN_ACTION", "This page does not offer that action.")


def _change_password() -> ResponseReturnValue:
    old, new, again = (request.form.get(name, "") for name in ("old", "new", "again"))
    if new != again:
        return _render([FormError("again", "Enter the new password twice; these two differ.")]), 422
    try:
        application().dispatch(ChangePassword(session_secret(), address(), old, new))
    except TooManyAttempts as error:
        note(AttemptKind.SIGN_IN_BRAKED)
        wait = FormError("old", too_many_attempts(error.wait_seconds))
        return _render([wait]), 429, {"Retry-After": str(error.wait_seconds)}
    except Forbidden:
        note(AttemptKind.SIGN_IN_FAILED)
        return _render([FormError("old", "The current password is not right.")]), 422
    except InvalidInput as error:
        return _render([FormError("new", error.message)]), 422
    return _done("password")


def _sign_out_everywhere() -> ResponseReturnValue:
    application().dispatch(SignOutEverywhere(session_secret()))
    session.clear()
    return without_session(redirect("/sign-in", 303))


def _session_id() -> UUID:
    try:
        return UUID(posted("session"))
    except ValueError:
        raise NotFound("This session is over already.") from None


def _create_token() -> ResponseReturnValue:
    me, name = signed_in(), posted("name")
    ticked = request.form.getlist("scope")
    scopes = frozenset(scope for scope in Scope if scope in ticked)
    chosen = posted("days")
    days = next((days for days in DAYS if str(days) == chosen), TOKEN_LASTS.days)
    typed = {"name": name, "scopes": scopes, "days": days}
    lasts = timedelta(days=days)
    try:
        secret = application().dispatch(
            CreateToken(me.tenant_id, me.person.id, name, me.person.email, scopes, lasts)
        )
    except InvalidInput as error:
        return _render([FormError("name", error.message)], typed=typed), HTTPStatus.UNPROCESSABLE_ENTITY
    except Conflict as error:
        return _render([FormError("name", error.message)], typed=typed), HTTPStatus.CONFLICT
    return _render(secret=secret, made=name)


def _done(what: str) -> ResponseReturnValue:
    return redirect(url_for("account.show", done=what), 303)


def _render(
    errors: list[FormError] | None = None,
    *,
    notice: str = "",
    typed: Mapping[str, object] | None = None,
    secret: str = "",
    made: str = "",
) -> str:
    me, queries = signed_in(), application().queries
    has_factor = queries.person(me.tenant_id, me.person.id).second_factor
    return render_template(
        "account/account.html",
        errors=errors or [],
        notice=notice,
        typed=typed or {},
        secret=secret,
        made=made,
        sessions=queries.sessions(me.tenant_id, me.person.id, hash_secret(session_secret())),
        has_factor=has_factor,
        recovery_left=recovery_in_words() if has_factor else "",
        tokens=queries.tokens(me.tenant_id, me.person.id),
        device=device,
        scope_texts=SCOPE_TEXTS,
        days=DAYS,
        usual_days=TOKEN_LASTS.days,
        longest_name=LONGEST_NAME,
        shortest=SHORTEST_PASSWORD,
        idle_minutes=int(IDLE.total_seconds() // 60),
        longest_hours=int(SESSION_LASTS.total_seconds() // 3_600),
    )
