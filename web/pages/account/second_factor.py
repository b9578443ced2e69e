"""One's own second factor: set up with a program on the phone, taken away with a code of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from http import HTTPStatus

import segno
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from oppsync.domain.work.attempts import AttemptKind
from oppsync.kernel.errors import Forbidden, InvalidInput, TooManyAttempts
from oppsync.services.admin.commands import BeginSecondFactor, ConfirmSecondFactor, RemoveSecondFactor
from oppsync.services.admin.second_factor import RECOVERY_CODES
from web.access.access import SECOND_FACTOR, session_secret
from web.access.attempts import address, note
from web.access.sign_in import too_many_attempts
from web.context import application, signed_in
from web.forms import FormError, posted
from web.problems import Problem

page = Blueprint(SECOND_FACTOR, __name__, url_prefix="/account/second-factor")
_GROUP = 4
_FEW = 3


class Action(StrEnum):
    BEGIN = "begin"
    CONFIRM = "confirm"
    REMOVE = "remove"


@page.get("")
def show() -> ResponseReturnValue:
    return _render()


@page.post("")
def act() -> ResponseReturnValue:
    match request.form.get("action"):
        case Action.BEGIN:
            return _guarded("password", AttemptKind.SIGN_IN_FAILED, _begin)
        case Action.CONFIRM:
            return _confirm()
        case Action.REMOVE:
            return _guarded("code", AttemptKind.CODE_WRONG, _remove)
    raise Problem(HTTPStatus.BAD_REQUEST, "UNKNOWN_ACTION", "This page does not offer that action.")


def _begin() -> ResponseReturnValue:
    password = request.form.get("password", "")
    key = application().dispatch(BeginSecondFactor(session_secret(), address(), password))
    return _render(key=key)


def _confirm() -> ResponseReturnValue:
    try:
        recovery = application().dispatch(ConfirmSecondFactor(session_secret(), posted("code")))
    except InvalidInput as error:
        # The key goes with the form, to be shown again; what counts is the one that is stored.
        return _render([FormError("code", error.message)], key=posted("key")), HTTPStatus.UNPROCESSABLE_ENTITY
    return _render(recovery=recovery)


def _remove() -> ResponseReturnValue:
    application().dispatch(RemoveSecondFactor(session_secret(), address(), posted("code")))
    return redirect(url_for("second_factor.show"), 303)


def _guarded(field: str, wrong: AttemptKind, act: Callable[[], ResponseReturnValue]) -> ResponseReturnValue:
    """Do what a password or a code is asked for; a wrong one is an error of its field."""
    try:
        return act()
    except TooManyAttempts as error:
        note(AttemptKind.SIGN_IN_BRAKED)
        wait = FormError(field, too_many_attempts(error.wait_seconds))
        return _render([wait]), 429, {"Retry-After": str(error.wait_seconds)}
    except Forbidden as error:
        note(wrong)
        return _render([FormError(field, error.message)]), HTTPStatus.UNPROCESSABLE_ENTITY


def _render(errors: list[FormError] | None = None, *, key: str = "", recovery: Sequence[str] = ()) -> str:
    me = signed_in()
    is_set = application().queries.person(me.tenant_id, me.person.id).second_factor
    return render_template(
        "account/second_factor.html",
        errors=errors or [],
        is_set=is_set,
        recovery_left=recovery_in_words() if is_set else "",
        key=key,
        groups=[key[at : at + _GROUP] for at in range(0, len(key), _GROUP)],
        picture=_picture(key, me.person.email) if key else "",
        recovery=recovery,
        is_asked=me.lacks_second_factor and not recovery,
    )


def recovery_in_words() -> str:
    """How many recovery codes the person has left, and what to do where these are few."""
    me = signed_in()
    with application().uow.reading() as uow:
        left = uow.second_factors.recovery_left(me.tenant_id, me.person.id)
    said = f"{left} of {RECOVERY_CODES} recovery codes are left."
    few = " Take the second factor away and set it up again, which gives new ones."
    return said + (few if left <= _FEW else "")


def _picture(key: str, account: str) -> Markup:
    """What a phone's camera reads. Dark on light in every colour scheme, or cameras do not."""
    uri = application().second_factor_uri(key, account)
    drawn = segno.make(uri, micro=False).svg_inline(
        scale=4, light="#fff", svgclass="qr", title="The key, for the camera of a phone"
    )
    return Markup(drawn)  # noqa: S704
