"""Sign in and out. Another way to sign in gets a page of its own beside this one."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, request, session
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from oppsync.domain.work.attempts import AttemptKind
from oppsync.kernel.errors import Forbidden, TooManyAttempts
from oppsync.services.admin.commands import SignIn, SignOut
from web.access.access import KEPT_FIELDS, cookie_name, keep_input, local_path, session_secret
from web.access.attempts import address, note
from web.access.sign_in_page import render
from web.context import application
from web.forms import FormError, posted

sign_in = Blueprint("sign_in", __name__)
_REFUSED = FormError("password", "The e-mail address or the password is not right.")


@sign_in.get("/sign-in")
def show() -> ResponseReturnValue:
    back = local_path(request.args.get("next"))
    if application().session(session_secret()) is not None:
        return redirect(back, 303)
    return render(next_=back)


@sign_in.post("/sign-in")
def enter() -> ResponseReturnValue:
    email = posted("email")
    password = request.form.get("password", "")
    back = local_path(request.form.get("next"))
    kept = {name: request.form[f"kept_{name}"] for name in KEPT_FIELDS if request.form.get(f"kept_{name}")}
    errors = [
        FormError(name, message)
        for name, message, value in (
            ("email", "Enter your e-mail address.", email),
            ("password", "Enter your password.", password),
        )
        if not value
    ]
    if errors:
        return render(next_=back, kept=kept, email=email, errors=errors), 422
    return _attempt(email, password, back, kept)


def _attempt(email: str, password: str, back: str, kept: Mapping[str, str]) -> ResponseReturnValue:
    command = SignIn(application().tenant_id, email, password, address(), session_secret())
    try:
        secret = application().dispatch(command)
    except TooManyAttempts as error:
        note(AttemptKind.SIGN_IN_BRAKED)
        wait = FormError("password", too_many_attempts(error.wait_seconds))
        page = render(next_=back, kept=kept, email=email, errors=[wait])
        return page, 429, {"Retry-After": str(error.wait_seconds)}
    except Forbidden:
        note(AttemptKind.SIGN_IN_FAILED)
        return render(next_=back, kept=kept, email=email, errors=[_REFUSED]), 422
    session.clear()  # a form token from before the sign-in must not be valid after it
    keep_input(back, kept)
    return _with_session(redirect(back, 303), secret)


@sign_in.post("/sign-out")
def leave() -> ResponseReturnValue:
    application().dispatch(SignOut(session_secret()))
    session.clear()
    return without_session(redirect("/sign-in", 303))


def too_many_attempts(wait_seconds: int) -> str:
    minutes = -(-wait_seconds // 60)
    return f"Too many attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}."


def without_session(response: Response) -> Response:
    """`response`, which makes the browser forget its session."""
    settings = application().settings
    response.delete_cookie(cookie_name(settings), secure=settings.secure_cookies, httponly=True, samesite="Lax")
    return response


def _with_session(response: Response, secret: str) -> Response:
    settings = application().settings
    response.set_cookie(
        cookie_name(settings), secret, secure=settings.secure_cookies, httponly=True, samesite="Lax"
    )
    return response
