"""The page behind a one-time link: set a password without a session. Looking at it uses nothing up, since
programs that scan mail look at links too."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from oppsync.kernel.errors import InvalidInput, NotFound
from oppsync.services.admin.commands import AcceptInvitation
from oppsync.services.admin.passwords import SHORTEST_PASSWORD
from web.context import application
from web.forms import FormError

invitation = Blueprint("invitation", __name__, url_prefix="/invitation")


@invitation.get("")
def show() -> ResponseReturnValue:
    return _render(request.args.get("key", ""))


@invitation.post("")
def accept() -> ResponseReturnValue:
    key, new, again = (request.form.get(name, "") for name in ("key", "new", "again"))
    if new != again:
        return _render(key, [FormError("again", "Enter the password twice; these two differ.")])
    try:
        application().dispatch(AcceptInvitation(key, new))
    except InvalidInput as error:
        return _render(key, [FormError("new", error.message)])
    except NotFound:
        return _render("")
    return redirect("/sign-in", 303)


def _render(key: str, errors: list[FormError] | None = None) -> ResponseReturnValue:
    person = application().invited(key)
    page = render_template(
        "sign_in/invitation.html", key=key, person=person, errors=errors or [], shortest=SHORTEST_PASSWORD
    )
    if person is None:
        return page, HTTPStatus.NOT_FOUND
    return page, HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
