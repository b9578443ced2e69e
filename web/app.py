"""The web application: webhooks, API, health and pages over one application object."""

from __future__ import annotations

import hashlib
import hmac
from types import TracebackType

import structlog
from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from adapters.bootstrap import Application
from oppsync.domain.work.attempts import AttemptKind
from oppsync.kernel.errors import BusinessError, Forbidden, RequestRefused, TransientError
from oppsync.kernel.settings import Settings
from web.access.attempts import note_and_count
from web.api import register_api
from web.arrival import MAX_BODY
from web.context import attach, maybe_signed_in, trace_id
from web.headers import secure_headers
from web.health import health
from web.pages.errors import error_page
from web.pages.navigation import register_pages
from web.problems import Problem, problem_of, problem_of_http, unreadable_body
from web.webhooks.receive import webhooks

ExcInfo = tuple[type, BaseException, TracebackType] | tuple[None, None, None]

# Programs call these paths and get problem documents; all other paths are for people.
MACHINE_PATHS = ("/api/", "/webhooks/", "/health/")


class WebApplication(Flask):
    """Flask, with failures in our own log under the trace id that the answer shows."""

    def log_exception(self, exc_info: ExcInfo) -> None:
        structlog.get_logger().error(
            "request_failed",
            trace_id=trace_id(),
            method=request.method,
            path=request.path,
            exc_info=exc_info,
        )


def create_app(application: Application) -> Flask:
    """The WSGI application. Opens no connection."""
    app = WebApplication(__name__)
    attach(app, application)
    _configure(app, application.settings)
    app.register_blueprint(health)
    app.register_blueprint(webhooks)
    api = register_api(app, application.settings.base_url)
    csrf = CSRFProtect(app)
    register_pages(app)
    # These authenticate each request by a signature or a token, never by a cookie, so they need no CSRF token.
    for blueprint in (health, webhooks, *api):
        csrf.exempt(blueprint)
    _handle_errors(app)
    secure_headers(app, https=application.settings.secure_cookies)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    keys = [signing_key(key) for key in settings.secret_keys.get_secret_value().split(",") if key.strip()]
    https = settings.secure_cookies
    app.config.update(
        SECRET_KEY=keys[0],
        SECRET_KEY_FALLBACKS=keys[1:],
        MAX_CONTENT_LENGTH=MAX_BODY,
        # Of a form's fields too: a configuration that was looked at comes back in one.
        MAX_FORM_MEMORY_SIZE=MAX_BODY,
        # Flask's own session carries the CSRF token and kept input; people's sessions have another cookie.
        SESSION_COOKIE_NAME="__Host-form" if https else "form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    if https:
        # A platform's router ends TLS and sets these headers; nobody else reaches this port there.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]


def signing_key(secret_key: str) -> str:
    """A key for cookies and forms, derived under a label of its own, so that it differs from the key that
    encrypts secrets."""
    return hmac.new(secret_key.strip().encode(), b"oppsync web forms", hashlib.sha256).hexdigest()


def _handle_errors(app: Flask) -> None:
    def answer(problem: Problem) -> Response:
        if request.path.startswith(MACHINE_PATHS):
            return problem.response()
        return error_page(problem)

    def refuse(error: RequestRefused) -> Response:
        me = maybe_signed_in()
        if isinstance(error, Forbidden) and me is not None:
            note_and_count(AttemptKind.FORBIDDEN, f"{me.person.email}: {error.code}")
        return answer(problem_of(error))

    app.register_error_handler(Problem, answer)
    app.register_error_handler(RequestRefused, refuse)
    app.register_error_handler(TransientError, lambda error: answer(problem_of(error)))
    app.register_error_handler(BusinessError, lambda error: answer(problem_of(error)))
    app.register_error_handler(ParseException, lambda error: answer(unreadable_body(error)))
    app.register_error_handler(HTTPException, lambda error: answer(problem_of_http(error)))
