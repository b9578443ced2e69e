"""One's own account: change the password, sign out everywhere."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.work.attempts import AttemptKind
from oppsync.kernel.errors import Forbidden, InvalidInput, TooManyAttempts
from oppsync.services.admin.commands import ChangePassword, SignOutEverywhere
from oppsync.services.admin.passwords import SHORTEST_PASSWORD
from oppsync.services.admin.session_life import IDLE, SESSION_LASTS
from web.access.access import session_secret
from web.access.attempts import address, note
from web.access.sign_in import too_many_attempts, without_session
from web.context import application
from web.forms import FormError
from web.problems import Problem

page = Blueprint("account", __name__, url_prefix="/account")


class Action(StrEnum):
    CHANGE_PASSWORD = "change_password"  # noqa: S105
    SIGN_OUT_EVERYWHERE = "sign_out_everywhere"


@page.get("")
def show() -> ResponseReturnValue:
    return _render(is_changed="changed" in request.args)


@page.post("")
def act() -> ResponseReturnValue:
    match request.form.get("action"):
        case Action.CHANGE_PASSWORD:
            return _change_password()
        case Action.SIGN_OUT_EVERYWHERE:
            return _sign_out_everywhere()
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
    return redirect(url_for("account.show", changed=1), 303)


def _sign_out_everywhere() -> ResponseReturnValue:
    application().dispatch(SignOutEverywhere(session_secret()))
    session.clear()
    return without_session(redirect("/sign-in", 303))


def _render(errors: list[FormError] | None = None, *, is_changed: bool = False) -> str:
    return render_template(
        "account/account.html",
        errors=errors or [],
        is_changed=is_changed,
        shortest=SHORTEST_PASSWORD,
        idle_minutes=int(IDLE.total_seconds() // 60),
        longest_hours=int(SESSION_LASTS.total_seconds() // 3_600),
    )
