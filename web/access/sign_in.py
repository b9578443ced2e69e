"""Sign in and out. Another way to sign in gets a page of its own beside this one."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from oppsync.domain.work.attempts import AttemptKind
from oppsync.kernel.errors import Forbidden, NotFound, TooManyAttempts
from oppsync.services.admin.commands import CodeAsked, EnterCode, SignIn, SignOut
from web.access.access import KEPT_FIELDS, cookie_name, keep_input, local_path, session_secret
from web.access.attempts import address, note, user_agent
from web.access.sign_in_page import render
from web.context import application
from web.forms import FormError, posted

sign_in = Blueprint("sign_in", __name__)
# In the form's signed cookie: the sign-in that waits for its code, and where it leads.
_BEGUN = "begun"
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
    command = SignIn(application().tenant_id, email, password, address(), session_secret(), user_agent())
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
    if isinstance(secret, CodeAsked):
        session[_BEGUN] = {"secret": secret.secret, "back": back}
        return redirect(url_for("sign_in.show_code"), 303)
    return _with_session(redirect(back, 303), secret)


@sign_in.get("/sign-in/code")
def show_code() -> ResponseReturnValue:
    return _code_page() if _BEGUN in session else redirect("/sign-in", 303)


@sign_in.post("/sign-in/code")
def enter_code() -> ResponseReturnValue:
    begun = session.get(_BEGUN)
    if begun is None:
        return redirect("/sign-in", 303)
    command = EnterCode(begun["secret"], posted("code"), address(), session_secret(), user_agent())
    try:
        secret = application().dispatch(command)
    except NotFound:
        session.pop(_BEGUN)
        return redirect(url_for("sign_in.show", next=begun["back"]), 303)
    except TooManyAttempts as error:
        note(AttemptKind.SIGN_IN_BRAKED)
        wait = FormError("code", too_many_attempts(error.wait_seconds))
        return _code_page([wait]), 429, {"Retry-After": str(error.wait_seconds)}
    except Forbidden as error:
        note(AttemptKind.CODE_WRONG)
        return _code_page([FormError("code", error.message)]), 422
    kept = session.get("kept")
    session.clear()
    if kept:
        session["kept"] = kept
    return _with_session(redirect(begun["back"], 303), secret)


def _code_page(errors: list[FormError] | None = None) -> str:
    return render_template("sign_in/code.html", errors=errors or [])


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
