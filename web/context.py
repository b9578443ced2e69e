"""What one request carries: the application, who is signed in, and its trace."""

from __future__ import annotations

from flask import Flask, current_app, g, request

from adapters.bootstrap import Application
from oppsync.domain.approval.tasks import SignedIn
from oppsync.domain.values.trace import new_traceparent, valid_traceparent

_KEY = "oppsync"


def attach(app: Flask, application: Application) -> None:
    app.extensions[_KEY] = application


def application() -> Application:
    found: Application = current_app.extensions[_KEY]
    return found


def traceparent() -> str:
    """The caller's W3C trace context when it is well-formed, else one made for this request."""
    if "traceparent" not in g:
        sent = request.headers.get("traceparent")
        g.traceparent = sent if sent is not None and valid_traceparent(sent) else new_traceparent()
    made: str = g.traceparent
    return made


def trace_id() -> str:
    return traceparent().split("-")[1]


def sign_in_as(signed_in: SignedIn) -> None:
    """Set the person for the rest of this request."""
    g.signed_in = signed_in


def signed_in() -> SignedIn:
    """The signed-in person. Only for views behind a sign-in or a token."""
    found: SignedIn = g.signed_in
    return found


def maybe_signed_in() -> SignedIn | None:
    found: SignedIn | None = g.get("signed_in")
    return found
